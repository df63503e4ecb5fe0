import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PAGES } from '../docs/page.ts'

const PROJECT = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

/** The scripts a text calls by `npm run <name>`, `npm start` or `npm test`. */
function calledIn(text: string): readonly string[] {
  const calls = text.matchAll(/\bnpm (?:run (?:-s )?([\w:-]+)|(start|test)\b)/g)
  return [...calls].map(([, name, own]) => name ?? own ?? '')
}

test.each([...PAGES, '.ci/run', ...Object.keys(scripts)])('every script that %s calls is there', (caller) => {
  const called = calledIn(scripts[caller] ?? read(caller))
  expect(called.filter((name) => !(name in scripts))).toEqual([])
})

test('the pages call the scripts a user needs', () => {
  const called = new Set(PAGES.flatMap((page) => calledIn(read(page))))
  expect(called).toEqual(
    new Set([
      'test',
      'test:long',
      'start',
      'azurite',
      'simulator',
      'picture',
      'build',
      'bench',
      'lint',
      'docs',
      'sbom',
      'infra',
      'first-minutes',
    ]),
  )
})

test.each(Object.entries(scripts))('%s runs files that are there, under the Node that is needed', (name, script) => {
  const files = /\bnode /.test(script) ? (script.match(/\S+\.c?[jt]s\b/g) ?? []) : []
  expect(files.filter((file) => !existsSync(join(PROJECT, file)))).toEqual([])
  const isUsersOwn = files.length > 0 && !name.startsWith('pre')
  if (isUsersOwn) expect(scripts[`pre${name}`]).toBe('node local/preflight.cjs')
})
