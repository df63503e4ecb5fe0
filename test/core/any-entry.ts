import fc from 'fast-check'
import { FAILURES, type FailureKind } from '../../src/core/failures.ts'
import type { Figures, LedgerEntry } from '../../src/core/ledger/ledger.ts'
import type { Progress } from '../../src/core/ledger/progress.ts'
import type { Generation } from '../../src/core/report/generation.ts'

/** Instants as the ledger can hold them, to the millisecond. */
export const anyInstant = fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })

const count = fc.nat({ max: 1_000_000 })
const text = fc.string({ maxLength: 40, unit: 'grapheme' })
const kind = fc.constantFrom(...(Object.keys(FAILURES) as FailureKind[]))

/** Sums by column: a column can have any name, also one of our own fields. */
const totals = fc.dictionary(
  fc.oneof(text, fc.constantFrom('at', 'requestedAt', 'landedAt', 'constructor')),
  fc.integer().map((sum) => `${sum}.50`),
)
const milliseconds = fc.record(
  { check: count, write: count, count, file: count },
  { requiredKeys: ['check', 'write', 'count'] },
)
export const anyGeneration = fc
  .bigInt({ min: 0n, max: 16n ** 12n - 1n })
  .map((value) => value.toString(16).padStart(12, '0') as Generation)

const origin = fc.constantFrom('service' as const, 'import' as const)

const figures: fc.Arbitrary<Figures> = fc.record(
  {
    ...{ attempt: count, generation: anyGeneration, reportId: text, executionId: text, requestedAt: anyInstant },
    ...{ origin, rowsRead: count, rejects: text, rowsErased: count, erasedBy: text },
    ...{ rowsLanded: count, rowsRejected: count, bytes: count, sha256: text, totals, archive: text, table: text },
    ...{
      landedAt: anyInstant,
      milliseconds,
      operations: count,
      verdict: fc.constantFrom('rows', 'empty'),
      emptyColumns: fc.array(text),
    },
    ...{
      totalsBefore: totals,
      rowsBefore: count,
      rowSet: text,
      selection: text,
      form: text,
      running: fc.constant(true as const),
      grown: fc.constant(true as const),
      file: fc.record({ bytes: count, hash: text }),
    },
  },
  { noNullPrototype: true },
)

const progress: fc.Arbitrary<Progress> = fc.record({
  checked: fc.record({
    ...{ rowsRead: count, rowsRejected: count, totals },
    ...{ filledColumns: fc.array(text), emptyColumns: fc.array(text) },
  }),
  ...{ etag: text, acknowledged: count, rejected: count, mustCount: fc.boolean(), counted: count, rounds: count },
  operations: count,
  ...{ refused: fc.dictionary(fc.constantFrom('EntityTooLarge', 'InvalidInput'), fc.array(count)), milliseconds },
})

const askedFor = fc.record({ rowSet: text, selection: text })

const past = fc.record(
  {
    ...{
      attempt: count,
      at: anyInstant,
      requestedAt: anyInstant,
      correlationId: text,
      rows: count,
      archive: text,
      rejects: text,
      asked: askedFor,
    },
    outcome: fc.oneof(fc.constantFrom('landed' as const, 'expired' as const), kind),
  },
  { requiredKeys: ['attempt', 'at', 'outcome'] },
)

/** The first of a month, and the month after it: as ids of windows name them. */
const window = fc
  .tuple(fc.integer({ min: 2000, max: 2090 }), fc.integer({ min: 0, max: 11 }))
  .map(([year, month]) => ({ from: new Date(Date.UTC(year, month, 1)), to: new Date(Date.UTC(year, month + 1, 1)) }))

const common = {
  feed: fc.constantFrom('azure-usage', 'seats'),
  window,
  lane: fc.constantFrom('live', 'backfill'),
  attempt: count,
  tries: count,
  heals: count,
  remoteReports: fc.array(text, { maxLength: 3 }),
  history: fc.array(past, { maxLength: 20 }),
}
const columns = fc.array(text, { maxLength: 5 })
const byPerson = fc.constant(true)
const asked = { reportName: text, queryId: text, asked: askedFor, requestedAt: anyInstant }
const known = { ...asked, reportId: text, deadline: anyInstant, pollAfter: anyInstant }
const held = {
  ...known,
  ...{ executionId: text, hash: text, phase: fc.constantFrom('check', 'write', 'count', 'file'), checkpoint: count },
  ...{ leaseUntil: anyInstant, owner: text, generation: anyGeneration, origin },
}
const maybe = {
  ...{ figures, lastError: fc.record({ kind, message: text, at: anyInstant }) },
  acceptEmpty: fc.constant(true),
  owed: fc.constant('parquet'),
}

const OWN = {
  planned: { reason: fc.constantFrom('refresh', 'retry', 'expired', 'healed'), notBefore: anyInstant },
  requesting: asked,
  requested: known,
  landing: held,
  landed: { figures },
  failed: { kind, message: text, since: anyInstant },
} as const

/** The fields that an entry need not have, by its state. */
const MORE: Readonly<Record<LedgerEntry['state'], object>> = {
  planned: {},
  requesting: { columns, hinted: byPerson, lookAfter: anyInstant },
  requested: { columns, hinted: byPerson },
  landing: {
    columns,
    archive: text,
    rejects: text,
    progress,
    byPerson,
    failingSince: anyInstant,
    lost: count,
    cut: byPerson,
  },
  landed: {},
  failed: { byPerson, origin, archive: text, cut: byPerson, broken: byPerson },
}

/** The fields that a state has of its own. */
export const ownFields = (state: LedgerEntry['state']): readonly string[] => Object.keys(OWN[state])

/** Any entry of one state, with any of the fields it need not have. */
export function anyEntryIn(state: LedgerEntry['state']): fc.Arbitrary<LedgerEntry> {
  const model = { ...maybe, ...MORE[state], ...common, ...OWN[state], state: fc.constant(state) }
  const requiredKeys = ['state', ...Object.keys(common), ...Object.keys(OWN[state])] as 'state'[]
  return fc.record(model, { requiredKeys }) as unknown as fc.Arbitrary<LedgerEntry>
}

export const STATES = Object.keys(OWN) as LedgerEntry['state'][]

export const anyEntry = fc.oneof(...STATES.map(anyEntryIn))
