/** What each report serves. */

import { makeRows, timeValue } from './data.ts'
import { readWireTime } from './http.ts'
import { stepPeriod } from './periods.ts'
import {
  firstInstant,
  type QueryTimes,
  type ResolvedQuery,
  resolveQuery,
  type SelectedColumn,
  timespanTimes,
} from './query.ts'
import { compress, encodeText, type LastCell, spoilTable } from './report-file.ts'
import type { Restatement } from './restate.ts'
import type { Service } from './service.ts'
import type { Execution, Report } from './state.ts'
import type { Value } from './values.ts'

/** What a report holds: the values before they were encoded, and what was sent. */
export type Served = {
  readonly header: readonly string[]
  readonly columns: readonly SelectedColumn[]
  /** One value per column. Empty, like `header` and `columns`, when the report serves a file of `serveFile`. */
  readonly rows: readonly (readonly Value[])[]
  readonly text: string
  /** The bytes as sent, after gzip. */
  readonly bytes: Buffer
}

/** How many reports are kept for ranges and repeated reads. A dropped one is made again and has the same bytes. */
const KEPT = 16

export type ServedReports = { of(report: Report, execution: Execution): Served }

export function createServedReports(service: Service): ServedReports {
  const kept = new Map<string, Served>()
  return {
    of: (report, execution) => {
      const key = `${execution.executionId} ${execution.replaced ?? ''}`
      const known = kept.get(key)
      if (known) return known
      const made = makeServed(service, report, execution)
      kept.set(key, made)
      const [oldest] = kept.keys()
      if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest)
      return made
    },
  }
}

function makeServed(service: Service, report: Report, execution: Execution): Served {
  const { faults } = execution
  const file = service.pinned.get(execution.executionId) ?? service.files.get(report.queryId)
  if (file) return servedFile(file, execution)
  const query = resolveQuery(report.query, service.datasets)
  if (typeof query === 'string') {
    throw new Error(`report ${report.reportId}: ${query}: was it made under another profile?`)
  }
  const times = timesOf(report, query, execution)
  const restatements = restatementsOf(service, query, execution)
  const first = firstInstant(query.dataset, new Date(execution.queuedAt))
  const offered = { from: times.from < first ? first : times.from, to: times.to }
  const preliminaryAt = faults.includes('preliminary') ? new Date(execution.queuedAt) : undefined
  const rows = makeRows({ seed: service.seed, query, times: offered, rows: service.rows, restatements, preliminaryAt })
  const made = { header: query.columns.map(({ name }) => name), columns: query.columns, rows }
  const table = spoilTable(made, faults, cellOutside(query, times))
  const text = encodeText(table.header, table.rows, formatOf(report, execution), faults)
  return { ...table, text, bytes: compress(text, faults) }
}

/** A file is served as it is. A replaced one ends with an empty gzip member: other bytes of the same text. */
function servedFile(file: Buffer, { faults, replaced }: Execution): Served {
  const bytes = Buffer.concat([compress(file, faults), ...(replaced ? [compress('')] : [])])
  return { header: [], columns: [], rows: [], text: file.toString('utf8'), bytes }
}

/** The format of a report's file and of its name. With the switch `tsv` it is not what was asked for. */
export function formatOf(report: Report, { faults }: Execution): Report['format'] {
  return faults.includes('tsv') ? 'tsv' : report.format
}

function restatementsOf(
  { state }: Service,
  { dataset }: ResolvedQuery,
  { restatements, replaced }: Execution,
): readonly (Restatement | undefined)[] {
  const before = state.restatements.slice(0, restatements)
  const known = before.map((each) => (each.dataset.toLowerCase() === dataset.name.toLowerCase() ? each : undefined))
  return replaced ? [...known, { dataset: dataset.name, rows: 'changed' }] : known
}

/** A time just before the window, for the row that is to lie outside it. */
function cellOutside({ dataset, columns }: ResolvedQuery, times: QueryTimes): LastCell | undefined {
  const column = columns.find(({ name }) => name === dataset.timeColumn)
  if (!column || !dataset.grain) return undefined
  return { column: column.name, value: timeValue(column, stepPeriod(dataset.grain, times.from, -1)) }
}

/** The query times of the report. Where it has none, start and end each come from the TIMESPAN of its query. */
function timesOf(report: Report, query: ResolvedQuery, { queuedAt, faults }: Execution): QueryTimes {
  const ignored = faults.includes('timesIgnored')
  const [start, end] = ignored ? [null, null] : [report.queryStartTime, report.queryEndTime]
  const to = readWireTime(end ?? '') ?? new Date(queuedAt)
  const from = readWireTime(start ?? '') ?? timespanTimes(query.timespan, to).from
  return { from, to: end !== null && faults.includes('endExclusive') ? new Date(to.getTime() - 1) : to }
}
