import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ELSEWHERE, type File, modules, TABLE, WITHOUT_TEXT } from '../fuzz/outside-text.ts'

const SRC = resolve(import.meta.dirname, '../../src')

describe('the table of functions that take text from outside', () => {
  it('names every exported function of its files, or says why not', () => {
    const missing = Object.entries(modules).flatMap(([file, exported]) => {
      const named = { ...TABLE[file as File], ...WITHOUT_TEXT[file as File] }
      const all = Object.entries(exported).filter(([, value]) => typeof value === 'function')
      return all.filter(([name]) => !(name in named)).map(([name]) => `${file}: ${name}`)
    })
    expect(missing).toEqual([])
  })

  it('names nothing that is not there', () => {
    const gone = Object.entries(WITHOUT_TEXT).flatMap(([file, names]) =>
      Object.keys(names).filter((name) => !(name in modules[file as File])),
    )
    expect(gone).toEqual([])
  })

  it('has every file that uses patterns, or says why not', async () => {
    const found: string[] = []
    for await (const file of glob('**/*.ts', { cwd: SRC })) {
      const text = readFileSync(join(SRC, file), 'utf8')
      if (/\.(?:test|exec|match|matchAll|search)\(|\.(?:replace|replaceAll|split)\(\/|RegExp\(/.test(text))
        found.push(file)
    }
    expect(found.filter((file) => !(file in TABLE) && !(file in ELSEWHERE))).toEqual([])
    expect(Object.keys(ELSEWHERE).filter((file) => !found.includes(file))).toEqual([])
  })
})
