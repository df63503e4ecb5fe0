import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { codeOf, PROJECT, rowsOf, textOf } from './page.ts'

const THREATS = rowsOf(textOf('docs/security.md'), 'threat')

test.each(THREATS)('there is a test of: $threat', ({ test: cell }) => {
  const path = join(PROJECT, codeOf(cell) ?? 'no test')
  expect(existsSync(path)).toBe(true)
  expect(readFileSync(path, 'utf8')).toContain('expect(')
})

test('the threats are in the table', () => {
  expect(THREATS.length).toBeGreaterThan(10)
})
