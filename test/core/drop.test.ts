import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failed, isFailure } from '../../src/core/failures.ts'
import { dropKey, fromDropRow, isNamed, letGo, toDropRow } from '../../src/core/ledger/drop.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { isTableAuditDue } from '../../src/core/plan/audit.ts'
import { type Generation, keyRange } from '../../src/core/report/generation.ts'
import { anyEntry, anyGeneration } from './any-entry.ts'

/** Both generations that an entry can name, read off its fields. */
const namesOf = (entry: LedgerEntry) => [
  entry.figures?.generation,
  'generation' in entry ? entry.generation : undefined,
]

describe('rows', () => {
  it('are named by an entry that has published them or is landing them, and by no other', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 4 }), anyGeneration, (entries, other) => {
        const names = entries.flatMap(namesOf).filter((name): name is Generation => name !== undefined)
        for (const name of names) expect(isNamed(name, entries)).toBe(true)
        expect(isNamed(other, entries)).toBe(names.includes(other))
      }),
    )
  })

  it('may be named by an entry that cannot be read', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 2 }), anyGeneration, (entries, generation) => {
        expect(isNamed(generation, [...entries, failed('unreadable-entry', 'x')])).toBe(true)
      }),
    )
  })

  it('are let go of in the table in which they are, once their entry no longer names them', () => {
    fc.assert(
      fc.property(anyEntry, anyEntry, (before, after) => {
        const drops = letGo(before, after, 'Now', new Date(0))
        const [published, landing] = namesOf(before)
        const tables = new Map(drops.map(({ generation, table }) => [generation, table]))
        for (const name of [published, landing]) {
          if (name !== undefined) expect(tables.has(name)).toBe(!namesOf(after).includes(name))
        }
        if (published && tables.has(published)) expect(tables.get(published)).toBe(before.figures?.table)
        if (landing && landing !== published && tables.has(landing)) expect(tables.get(landing)).toBe('Now')
      }),
    )
  })
})

describe('a stored drop', () => {
  const [generation, other] = ['0123456789ab', 'ba9876543210'] as [Generation, Generation]
  const window = { from: new Date('2025-05-01T00:00:00Z'), to: new Date('2025-06-01T00:00:00Z') }
  const drop = { feed: 'usage', generation, table: 'Usage', ...keyRange(window, generation), wakeAt: new Date(0) }

  it.each([
    ['its own rows', {}, drop],
    ['the rows of another generation', keyRange(window, other), undefined],
    ['rows without an end', { keyTo: '~' }, undefined],
    ['rows without a beginning', { keyFrom: '' }, undefined],
  ])('that names %s', (_, change, expected) => {
    const read = fromDropRow('usage', dropKey(generation), toDropRow({ ...drop, ...change }))
    expect(isFailure(read) ? undefined : read).toEqual(expected)
    expect(fromDropRow('usage', dropKey(other), toDropRow(drop))).toMatchObject({ kind: 'unreadable-entry' })
  })
})

describe('an audit', () => {
  const now = new Date('2025-07-17T12:00:00Z')

  it.each([
    ['a week after the last one', '2025-07-10T12:00:00.000Z', undefined, true],
    ['not before', '2025-07-10T12:00:00.001Z', undefined, false],
    ['not after a time that is a little ahead', '2025-07-17T12:01:00.000Z', undefined, false],
    ['after a time that a wrong clock noted', '2025-07-24T12:00:00.000Z', undefined, true],
    ['at once where the last one is not over', '2025-07-17T11:00:00.000Z', '', true],
  ])('is due %s', (_, at, after, expected) => {
    expect(isTableAuditDue({ at, ...(after !== undefined && { after }) }, now)).toBe(expected)
  })
})
