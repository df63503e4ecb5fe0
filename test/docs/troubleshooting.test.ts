import { describe, expect, test } from 'vitest'
import { FAILURES } from '../../src/core/failures.ts'
import { codeOf, namesIn, rowsOf, section, textOf } from './page.ts'

const PAGE = textOf('docs/troubleshooting.md')

/** The heading of each table of kinds, by what heals them. */
const HEADINGS = {
  time: '### Heals with time',
  change: '### Waits for a change',
  person: '### Waits for a person',
} as const satisfies Record<(typeof FAILURES)[keyof typeof FAILURES]['heals'], string>

describe('troubleshooting.md', () => {
  test.each(Object.entries(HEADINGS))(
    'has exactly the kinds that heal by %s, with their remedies',
    (heals, heading) => {
      const documented = rowsOf(section(PAGE, heading), 'kind').map(({ kind, remedy }) => [codeOf(kind), remedy])
      const kinds = Object.entries(FAILURES).filter(([, failure]) => failure.heals === heals)
      expect(kinds.length).toBeGreaterThan(0)
      expect(Object.fromEntries(documented)).toEqual(
        Object.fromEntries(kinds.map(([kind, { remedy }]) => [kind, remedy])),
      )
      expect(documented).toHaveLength(kinds.length)
    },
  )

  test('says of each kind when it happens', () => {
    for (const { kind, when } of rowsOf(PAGE, 'kind')) expect(when, kind).not.toBe('')
    expect(namesIn(rowsOf(PAGE, 'kind'), 'kind').every((kind) => Object.hasOwn(FAILURES, kind))).toBe(true)
  })

  test('has exactly the events of the app', () => {
    const [, union = ''] = /type EventName =\n(.*?)\n\n/s.exec(textOf('src/core/events.ts')) ?? []
    const events = Array.from(union.matchAll(/'([^']+)'/g), ([, name = '']) => name)
    expect(events.length).toBeGreaterThan(10)
    expect(namesIn(rowsOf(PAGE, 'event'), 'event').toSorted()).toEqual(events.toSorted())
  })
})
