import { type Failure, failed } from '../failures.ts'
import type { Feed } from '../feeds/feed.ts'
import { isReject, type Reject } from './entities.ts'
import type { Lander, Place } from './lander.ts'
import type { Layout } from './layout.ts'
import type { ParsedRecord } from './parse.ts'
import { createTotals } from './totals.ts'

/** The most that the totals may take as JSON, in UTF-16 units: hundreds of columns with names of hundreds of letters. */
export const TOTALS_LENGTH = 100_000

/** What the check of a whole file found; the figures of a landing start here. */
export type Checked = {
  readonly rowsRead: number
  readonly rowsRejected: number
  readonly totals: Readonly<Record<string, string>>
}

export type Check = {
  /** Checks the next record; gives the reason where it can't land. */
  add(record: ParsedRecord): Reject | undefined
  /** The failure that no later record can mend, as soon as it is seen. */
  failure(): Failure | undefined
  result(): Checked
}

/**
 * Checks the records of a file one by one: types, limits and time; counts and sums. Memory does not grow with the file.
 * `refused` are the numbers of records that the service refused, with its code: each is a reject, whatever the check finds.
 */
export function createCheck(
  { columns }: Layout,
  lander: Lander,
  about: string,
  refused: ReadonlyMap<number, string> = new Map(),
): Check {
  const totals = createTotals(columns)
  let rowsRead = 0
  let rowsRejected = 0
  let failure: Failure | undefined
  return {
    add(record) {
      const number = rowsRead++
      const place = lander.place(record)
      failure ??= fatal(record, place, about)
      const code = refused.get(number)
      const landed = code ? refusedBy(code, record, number) : lander.land(record, number, place)
      if (!isReject(landed)) return void totals.add(record)
      rowsRejected++
      return landed
    },
    failure: () => failure,
    result: () => ({ rowsRead, rowsRejected, totals: totals.result() }),
  }
}

/** What a record means for the whole file. */
function fatal({ verdict, line }: ParsedRecord, place: Place, about: string): Failure | undefined {
  if (verdict === 'unclosed-quote') {
    return failed('malformed', `${about}: line ${line}: a quote is opened and never closed`)
  }
  return place === 'outside'
    ? failed('outside-window', `${about}: line ${line} holds a row of another time`)
    : undefined
}

function refusedBy(code: string, { line, raw }: ParsedRecord, number: number): Reject {
  return { record: number, line, reason: `is refused by Table Storage (${code})`, raw }
}

/** What stands of a window before a file is landed over it, and whether a person said that no rows are right. */
export type Standing = { readonly rowsLanded: number; readonly acceptEmpty: boolean }

/** Decides whether a checked file may be landed over what stands: undefined where it may. */
export function refuse(checked: Checked, feed: Feed, standing: Standing, about: string): Failure | undefined {
  const { rowsRead, rowsRejected } = checked
  const excess = refuseTotals(checked, about)
  if (excess) return excess
  if (rowsRead === 0) return refuseEmpty(standing, about)
  if (rowsRejected <= feed.maxRejects * rowsRead) return undefined
  const share = `${rowsRejected} of ${rowsRead} rows can't land, more than the share of ${feed.maxRejects} allowed`
  return failed('too-many-rejects', `${about}: ${share}`)
}

/** An entry of the ledger holds the totals up to three times, and 1 MiB in all. */
function refuseTotals({ totals }: Checked, about: string): Failure | undefined {
  const { length } = JSON.stringify(totals)
  if (length <= TOTALS_LENGTH) return undefined
  const size = `the names and sums of ${Object.keys(totals).length} numeric columns take ${length} characters`
  return failed('malformed', `${about}: ${size}, more than ${TOTALS_LENGTH}; ask for less, or land some as string`)
}

/** No rows where there were some is more likely a fault than the truth. */
function refuseEmpty({ rowsLanded, acceptEmpty }: Standing, about: string): Failure | undefined {
  if (rowsLanded === 0 || acceptEmpty) return undefined
  return failed('suspicious-empty', `${about}: the report has no rows, but ${rowsLanded} rows of an earlier one stand`)
}
