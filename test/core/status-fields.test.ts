import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { withStatusFields } from '../../local/generate-docs.ts'
import { statusSchema } from '../../local/status-docs.ts'
import { MARKS, STATES, STATUS_FIELDS, TO_DO_KINDS } from '../../src/core/status/fields.ts'
import { namesIn, rowsOf, section } from '../docs/page.ts'

const SCHEMA = readFileSync(new URL('../../docs/status.schema.json', import.meta.url), 'utf8')
const PAGE = readFileSync(new URL('../../docs/status.md', import.meta.url), 'utf8')

const WITH_ONE_MORE = {
  ...STATUS_FIELDS,
  planted: { is: { list: 'count' }, means: 'A field of `this` test.' },
} as const

test('status.schema.json is what npm run docs makes of the tables of fields, and another for other tables', () => {
  expect(SCHEMA).toBe(statusSchema())
  const other = JSON.parse(statusSchema(WITH_ONE_MORE))
  expect(other.required).toContain('planted')
  expect(other.properties.planted).toEqual({
    type: 'array',
    items: { type: 'integer' },
    description: 'A field of this test.',
  })
})

test('the tables in status.md are what npm run docs makes', () => {
  expect(PAGE).toBe(withStatusFields(PAGE))
  expect(PAGE).toContain('| `feeds[].emptied.<name>.windows` | whole number |')
})

test('status.md lists exactly the states, the marks and the kinds of what needs a person, in the order of the code', () => {
  expect(namesIn(rowsOf(section(PAGE, '## States'), 'state'), 'state')).toEqual(STATES)
  expect(namesIn(rowsOf(section(PAGE, '## Marks'), 'mark'), 'mark')).toEqual(MARKS)
  expect(namesIn(rowsOf(section(PAGE, '## What needs a person'), 'kind'), 'kind')).toEqual(TO_DO_KINDS)
})
