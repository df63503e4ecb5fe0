import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { fromRow, type LedgerRow, toRow as toRowAt } from '../../src/core/ledger/ledger-row.ts'
import { windowId } from '../../src/core/time/window.ts'
import { anyEntry, anyEntryIn, ownFields, STATES } from './any-entry.ts'

const toRow = (entry: LedgerEntry): LedgerRow => toRowAt(entry, new Date('2025-07-10'))
const read = (entry: LedgerEntry, row: Record<string, unknown> = toRow(entry)) =>
  fromRow(entry.feed, windowId(entry.window), row)

/** What Table Storage stores as it is: texts, whole numbers, flags and instants. */
const isPlain = (value: unknown) =>
  ['string', 'boolean'].includes(typeof value) || Number.isSafeInteger(value) || value instanceof Date

describe('an entry of the ledger', () => {
  it.each(STATES)('that is %s is read as it was written', (state) => {
    fc.assert(
      fc.property(anyEntryIn(state), (entry) => {
        expect(Object.values(toRow(entry)).every(isPlain)).toBe(true)
        expect(read(entry)).toEqual(entry)
      }),
    )
  })

  it.each(STATES)('that is %s and lacks a field of its state is unreadable, and the field is named', (state) => {
    const fields = ['v', 'state', 'lane', 'attempt', 'tries', 'heals', 'history', ...ownFields(state)]
    fc.assert(
      fc.property(anyEntryIn(state), fc.constantFrom(...fields), (entry, field) => {
        const { [field]: _, ...rest } = toRow(entry) as Record<string, unknown>
        const result = read(entry, rest)
        expect(isFailure(result) && result.kind).toBe('unreadable-entry')
        expect(isFailure(result) && result.message).toContain(field === 'v' ? 'version' : field)
      }),
    )
  })

  it.each([
    '1',
    '2025',
    '2025-03-01',
    '2025-03-01T00:00:00',
    'March 1, 2025',
    ' 2025-03-01T00:00:00.000Z',
    1740787200000,
  ])('with %j where a time was written is unreadable', (at) => {
    const [entry] = fc.sample(anyEntryIn('landed'), 1)
    if (!entry) throw new Error('no entry')
    const figures = JSON.parse(String(toRow(entry).figures))
    const history = [{ attempt: 1, outcome: 'landed' }]
    for (const damage of [
      { figures: JSON.stringify({ ...figures, landedAt: at }) },
      { history: JSON.stringify(history.map((past) => ({ ...past, at }))) },
      { lastError: JSON.stringify({ kind: 'deadline', message: 'late', at }) },
    ]) {
      expect(read(entry, { ...toRow(entry), ...damage })).toMatchObject({
        message: expect.stringMatching(/at is not a time$/i),
      })
    }
  })

  it('whose row holds anything at all is read or unreadable, and never throws', () => {
    const junk = fc.oneof(
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constant(undefined),
      fc.constant(new Date(Number.NaN)),
    )
    fc.assert(
      fc.property(anyEntry, fc.string(), junk, fc.nat(), (entry, name, value, which) => {
        const row = toRow(entry)
        const fields = [...Object.keys(row), name]
        const result = read(entry, { ...row, [fields[which % fields.length] ?? name]: value })
        expect(isFailure(result) ? result.kind : 'read').toMatch(/^(unreadable-entry|read)$/)
      }),
    )
  })

  it.each(['', 'x', '20250230T000000Z_20250301T000000Z', '20250601T000000Z_20250501T000000Z'])(
    'under the key "%s" is unreadable',
    (id) => {
      expect(fromRow('azure-usage', id, { v: 2 })).toMatchObject({ kind: 'unreadable-entry' })
    },
  )

  it.each([1, 3])('of version %s, which nobody released or a later app wrote, is left alone', (v) => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        expect(read(entry, { ...toRow(entry), v })).toMatchObject({ message: expect.stringContaining(`version ${v}`) })
      }),
      { numRuns: 20 },
    )
  })

  it('keeps its history under 16 KB, the newest attempts first to stay', () => {
    const at = new Date('2025-01-01T00:00:00Z')
    const history = Array.from({ length: 400 }, (_, attempt) => ({ attempt, at, outcome: 'expired' as const }))
    const [entry] = fc.sample(anyEntry, 1)
    if (!entry) throw new Error('no entry')
    const text = String(toRow({ ...entry, history }).history)
    expect(text.length).toBeLessThanOrEqual(16_000)
    const kept = JSON.parse(text) as { attempt: number }[]
    expect(kept.at(-1)?.attempt).toBe(399)
    expect(kept[0]?.attempt).toBe(400 - kept.length)
  })
})
