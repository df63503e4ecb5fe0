import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { USAGE } from '../../local/start/options.ts'
import { namesIn, PAGES, PROJECT, rowsOf, textOf } from './page.ts'

/** The anchor that GitHub makes of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

function anchorsIn(path: string): readonly string[] {
  return Array.from(textOf(path).matchAll(/^#+ (.+)$/gm), ([, heading = '']) => anchorOf(heading))
}

/** The links of a page that lead to a file of the project, with its path and anchor. */
function linksIn(page: string) {
  const targets = Array.from(textOf(page).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target)
  const own = targets.filter((target) => !/^[a-z]+:/.test(target))
  return own.map((target) => {
    const [file = '', anchor] = target.split('#')
    return { target, path: file === '' ? page : join(dirname(page), file), anchor }
  })
}

describe.each(PAGES)('%s', (page) => {
  test('links only to files and headings that exist', () => {
    const broken = linksIn(page).filter(
      ({ path, anchor }) =>
        !existsSync(join(PROJECT, path)) || (anchor !== undefined && !anchorsIn(path).includes(anchor)),
    )
    expect(broken.map(({ target }) => target)).toEqual([])
  })

  test('names only files that exist', () => {
    const named = Array.from(
      textOf(page).matchAll(/(?<![\w./-])((?:src|cli|local|infra|test|bench|docs)\/[\w./-]*\w)/g),
      ([, path = '']) => path,
    )
    expect(named.filter((path) => !existsSync(join(PROJECT, path)))).toEqual([])
  })
})

describe('README.md', () => {
  test('says what the app is and how to try it before anything else, in at most 150 lines', () => {
    const readme = textOf('README.md')
    expect(readme.split('\n').length).toBeLessThanOrEqual(150)
    expect(readme.match(/^```sh\n(.*?)^```/ms)?.[1]).toBe('npm ci\nnpm start -- --exit --fresh\n')
    const headings = Array.from(readme.matchAll(/^## (.+)$/gm), ([, heading]) => heading)
    expect(headings.slice(0, 3)).toEqual(['Try it', 'How it works', 'Documentation'])
  })

  test('has one line with a link for every other page', () => {
    const listed = Array.from(textOf('README.md').matchAll(/^- \[[^\]]+\]\(([^)]+)\): \S/gm), ([, path]) => path)
    expect(listed.toSorted()).toEqual(PAGES.filter((page) => page !== 'README.md').toSorted())
  })
})

describe('how-it-works.md', () => {
  const page = textOf('docs/how-it-works.md')

  test('follows a report in the order in which the files act', () => {
    const stops = Array.from(page.matchAll(/^## \d+\. (.+)$/gm), ([, stop]) => stop)
    expect(stops).toEqual([
      'Timer',
      'Provision',
      'Plan',
      'Request',
      'Callback',
      'Ingest',
      'Fetch',
      'Check',
      'Write',
      'Publish',
      'Status',
    ])
  })

  test('names the step of every trigger', () => {
    const imported = textOf('src/handlers.ts').matchAll(/^import \{ \w+ \} from '\.\/(steps\/[^']+)'/gm)
    const steps = Array.from(imported, ([, path]) => `src/${path}`)
    expect(steps.length).toBeGreaterThan(5)
    expect(steps.filter((step) => !page.includes(step))).toEqual([])
  })

  test('says where a failure kind, a column type, a command and an alarm go', () => {
    for (const what of ['kind of failure', 'column type', 'command', 'alarm'])
      expect(page).toContain(`**A new ${what}**`)
  })
})

test('run-locally.md has exactly the options of npm start', () => {
  const options = new Set(Array.from(USAGE.matchAll(/--[a-z-]+/g), ([option]) => option))
  const documented = namesIn(rowsOf(textOf('docs/run-locally.md'), 'option'), 'option')
  expect(documented.map((option) => option.split(' ')[0]).toSorted()).toEqual([...options].toSorted())
})

test('decisions.md gives a reason for exactly the packages the project depends on', () => {
  const { dependencies, devDependencies } = JSON.parse(textOf('package.json'))
  const rows = rowsOf(textOf('docs/decisions.md'), 'package')
  const named = rows.flatMap((row) => Array.from(row.package?.matchAll(/`([^`]+)`/g) ?? [], ([, name]) => name))
  expect(named.toSorted()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).toSorted())
  for (const row of rows) expect(row.for, row.package).not.toBe('')
})
