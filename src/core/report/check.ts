import { type Failure, failed } from '../failures.ts'
import type { Feed } from '../feeds/feed.ts'
import { isReject, type Reject } from './entities.ts'
import type { Lander } from './lander.ts'
import type { Layout } from './layout.ts'
import type { ParsedRecord } from './parse.ts'
import { createTotals } from './totals.ts'

/**
 * The most that the totals may take as JSON, in UTF-16 units: hundreds of columns with names of hundreds of letters. An
 * entry of the ledger holds the totals up to three times, and 1 MiB in all.
 */
export const TOTALS_LENGTH = 100_000

/** What the check of a whole file found; the figures of a landing start here. */
export type Checked = {
  readonly rowsRead: number
  readonly rowsRejected: number
  readonly totals: Readonly<Record<string, string>>
}

export type Check = {
  /** Checks the next record; gives the reason where it cannot land. */
  add(record: ParsedRecord): Reject | undefined
  /** The failure that no later record can mend, as soon as it is seen. */
  failure(): Failure | undefined
  result(): Checked
}

/**
 * Checks records one by one: types, limits and time; counts and sums. Memory does not grow with the file. `about` names
 * the window in messages. `refused` are the numbers of records that the service refused, with its code: each is a reject,
 * whatever the check finds.
 */
export function createCheck(
  lander: Lander,
  layout: Layout,
  about: string,
  refused: ReadonlyMap<number, string> = new Map(),
): Check {
  const totals = createTotals(layout.columns)
  let rowsRead = 0
  let rowsRejected = 0
  let failure: Failure | undefined
  return {
    add(record) {
      const number = rowsRead++
      failure ??= failureOf(record, lander, about)
      const code = refused.get(number)
      const landed = code === undefined ? lander.land(record, number) : refusedBy(code, record, number)
      if (!isReject(landed)) {
        totals.add(record)
        return undefined
      }
      rowsRejected++
      return landed
    },
    failure: () => failure,
    result: () => ({ rowsRead, rowsRejected, totals: totals.result() }),
  }
}

/** What a record means for the whole file. */
function failureOf(record: ParsedRecord, lander: Lander, about: string): Failure | undefined {
  const place = `${about}: line ${record.line}`
  if (record.verdict === 'unclosed-quote') return failed('malformed', `${place}: a quote is opened and never closed`)
  return lander.isOutside(record) ? failed('outside-window', `${place} holds a row of another time`) : undefined
}

function refusedBy(code: string, { line, raw }: ParsedRecord, number: number): Reject {
  return { record: number, line, reason: `is refused by Table Storage (${code})`, raw }
}

/** What has landed of a window before, and whether a person said that no rows are right. */
export type Standing = { readonly rowsLanded: number; readonly acceptEmpty: boolean }

/** Decides whether a checked file may replace what has landed of its window before: undefined where it may. */
export function refuse(
  { rowsRead, rowsRejected, totals }: Checked,
  { maxRejects }: Feed,
  { rowsLanded, acceptEmpty }: Standing,
  about: string,
): Failure | undefined {
  const { length } = JSON.stringify(totals)
  if (length > TOTALS_LENGTH) {
    const size = `the names and sums of ${Object.keys(totals).length} numeric columns take ${length} characters`
    return failed('malformed', `${about}: ${size}, more than ${TOTALS_LENGTH}; ask for less, or land some as string`)
  }
  // No rows where there were some is more likely a fault than the truth.
  if (rowsRead === 0 && rowsLanded > 0 && !acceptEmpty) {
    return failed('suspicious-empty', `${about}: the report has no rows, but an earlier one landed ${rowsLanded}`)
  }
  if (rowsRejected <= maxRejects * rowsRead) return undefined
  const share = `${rowsRejected} of ${rowsRead} rows can't land, more than the share of ${maxRejects} allowed`
  return failed('too-many-rejects', `${about}: ${share}`)
}
