import { counted } from '../counted.ts'
import { brokenFile, type Failure, failed } from '../failures.ts'
import type { Feed } from '../feeds/feed.ts'
import { isReject, type Reject, rowsIn } from './entities.ts'
import { type FilledColumns, watchColumns } from './filled.ts'
import type { Lander } from './lander.ts'
import type { Layout } from './layout.ts'
import type { ParsedRecord } from './parse.ts'
import { createTotals } from './totals.ts'

/**
 * The longest JSON of the totals, in UTF-16 units: enough for hundreds of columns with names of hundreds of letters. A
 * ledger entry holds the totals up to three times and takes 1 MiB at most.
 */
export const TOTALS_LENGTH = 100_000

/** A CR inside a record that cannot be read ended a row. The one at the end may belong to a CRLF where the text is cut. */
const LONE_RETURN = /\r[^\n]/

/** The result of checking a whole file. The figures of a landing start from it. */
export type Checked = FilledColumns & {
  readonly rowsRead: number
  /** A reject counts as many rows as it has lines. */
  readonly rowsRejected: number
  /** Rows that land, although a stray quote may have made one of several; absent where there is none. */
  readonly rowsDoubtful?: number
  readonly totals: Readonly<Record<string, string>>
}

export type Check = {
  /** Checks the next record. Gives a reject if it cannot land. */
  add(record: ParsedRecord): Reject | undefined
  /** The first problem so far that fails the whole file. */
  failure(): Failure | undefined
  result(): Checked
  /** Whether most of the rejects are no whole rows: they are cut otherwise than the header, or are the header once more. */
  isBroken(): boolean
}

/**
 * Checks the types, limits and time of records one by one, counts them and sums them. Memory does not grow with the file.
 * `about` names the window in messages. `refused` maps the numbers of records that Table Storage refused to its error code.
 * Each of them is a reject, even if the check finds nothing wrong with it.
 */
export function createCheck(
  lander: Lander,
  layout: Layout,
  about: string,
  refused: ReadonlyMap<number, string> = new Map(),
): Check {
  const totals = createTotals(layout.columns)
  const filled = watchColumns(layout.columns)
  let records = 0
  let rowsRead = 0
  let rowsRejected = 0
  let rowsDoubtful = 0
  let rowsBroken = 0
  let failure: Failure | undefined
  return {
    add(record) {
      const number = records++
      failure ??= failureOf(record, lander, about)
      const code = refused.get(number)
      const landed = code === undefined ? lander.land(record, number) : refusedBy(code, record, number)
      if (isReject(landed)) {
        const rows = rowsIn(landed)
        rowsRead += rows
        rowsRejected += rows
        if (isNoRow(record, layout)) rowsBroken += rows
        return landed
      }
      rowsRead++
      if (record.isDoubtful) rowsDoubtful++
      totals.add(record)
      filled.add(record)
      return undefined
    },
    failure: () => failure,
    isBroken: () => rowsBroken * 2 > rowsRejected,
    result: () => ({
      rowsRead,
      rowsRejected,
      ...(rowsDoubtful > 0 && { rowsDoubtful }),
      totals: totals.result(),
      ...filled.result(),
    }),
  }
}

/** The failure of the whole file that a record causes, if any. */
function failureOf(record: ParsedRecord, lander: Lander, about: string): Failure | undefined {
  const place = `${about}: line ${record.line}`
  if (record.verdict === 'unclosed-quote') return failed('malformed', `${place}: a quote is opened and never closed`)
  if (record.verdict === 'cut-off') return failed('malformed', `${place}: the file is cut off in this line`)
  if (record.verdict !== undefined && LONE_RETURN.test(record.raw)) {
    return failed('malformed', `${place} holds lines that end neither with LF nor with CRLF`)
  }
  return lander.isOutside(record) ? failed('outside-window', `${place} has a row outside the window`) : undefined
}

/** Whether a record is no row at all, whatever its cells are. */
function isNoRow({ verdict, fields }: ParsedRecord, { columns }: Layout): boolean {
  if (verdict !== undefined) return true
  return columns.every(({ name }, index) => fields[index]?.trim().toLowerCase() === name.toLowerCase())
}

/** The record could be read, so it is one row, however many lines it has. */
function refusedBy(code: string, { line, raw }: ParsedRecord, number: number): Reject {
  return { record: number, line, reason: `is refused by Table Storage (${code})`, raw }
}

/** What landed for a window before, and whether a person accepts a report without rows. */
export type Standing = {
  readonly rowsLanded: number
  readonly acceptEmpty: boolean
  /** Rows that were left out of the file: the share of rejects is of the file with them. */
  readonly rowsErased?: number
}

/**
 * Gives the reason why a checked file must not replace the landed rows of its window, or undefined if it may. `isBroken`: most
 * of its rejects are no whole rows.
 */
export function refuse(
  { rowsRead, rowsRejected, totals }: Pick<Checked, 'rowsRead' | 'rowsRejected' | 'totals'>,
  { maxRejects }: Feed,
  { rowsLanded, acceptEmpty, rowsErased = 0 }: Standing,
  about: string,
  isBroken = false,
): Failure | undefined {
  const { length } = JSON.stringify(totals)
  if (length > TOTALS_LENGTH) {
    const size = `the names and sums of ${counted(Object.keys(totals).length, 'numeric column')} take ${length} characters`
    return failed(
      'malformed',
      `${about}: ${size}, more than ${TOTALS_LENGTH}; select fewer columns, or land some as string`,
    )
  }
  // If there were rows before, a report without rows is more likely a fault than the truth.
  if (rowsRead === 0 && rowsLanded > 0 && !acceptEmpty) {
    return failed('suspicious-empty', `${about}: the report has no rows, but an earlier one landed ${rowsLanded}`)
  }
  if (rowsRejected <= maxRejects * (rowsRead + rowsErased)) return undefined
  const share = `${rowsRejected} of ${counted(rowsRead, 'row')} can't land, more than the share of ${maxRejects} allowed`
  if (isBroken) return brokenFile(`${about}: ${share}; most of them are no whole rows: the file is broken`)
  return failed('too-many-rejects', `${about}: ${share}`)
}
