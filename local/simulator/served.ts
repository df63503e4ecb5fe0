import { makeRows } from './data.ts'
import { datasetsOf } from './datasets.ts'
import { compress, encodeText } from './encode.ts'
import { readWireTime } from './http.ts'
import { type ResolvedQuery, resolveQuery, type SelectedColumn } from './query.ts'
import type { Service } from './service.ts'
import type { Execution, Report } from './state.ts'
import { type QueryTimes, timespanTimes } from './timespan.ts'
import type { Value } from './values.ts'

/** What a report holds: the values before they were encoded, and what was sent. */
export type Served = {
  readonly header: readonly string[]
  readonly columns: readonly SelectedColumn[]
  /** One value per column. Empty, like `header` and `columns`, when the report serves a file that was handed over. */
  readonly rows: readonly (readonly Value[])[]
  readonly text: string
  /** The bytes as sent, after gzip. */
  readonly bytes: Buffer
}

/** Made reports are kept for ranges and repeated reads, and made again when dropped: the same recipe, the same bytes. */
const KEPT = 16

export type ServedReports = { of(report: Report, execution: Execution): Served }

export function createServedReports(service: Service): ServedReports {
  const kept = new Map<string, Served>()
  return {
    of: (report, execution) => {
      const known = kept.get(execution.executionId)
      if (known) return known
      const made = makeServed(service, report, execution)
      kept.set(execution.executionId, made)
      const [oldest] = kept.keys()
      if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest)
      return made
    },
  }
}

function makeServed(service: Service, report: Report, execution: Execution): Served {
  const file = service.pinned.get(execution.executionId) ?? service.files.get(report.queryId)
  if (file) return { header: [], columns: [], rows: [], text: file.toString('utf8'), bytes: compress(file) }
  const query = resolveQuery(report.query, datasetsOf(service.profile))
  if (typeof query === 'string')
    throw new Error(`report ${report.reportId}: ${query}: was it made under another profile?`)
  const times = timesOf(report, query, new Date(execution.queuedAt))
  const rows = makeRows({ seed: service.seed, query, times, rows: service.rows })
  const header = query.columns.map(({ name }) => name)
  const text = encodeText(header, rows, report.format)
  return { header, columns: query.columns, rows, text, bytes: compress(text) }
}

/** Query times replace the timespan of the query; one of them alone replaces its end of it. */
function timesOf(report: Report, query: ResolvedQuery, queuedAt: Date): QueryTimes {
  const to = readWireTime(report.queryEndTime ?? '') ?? queuedAt
  const spanned = timespanTimes(query.timespan, to)
  if (report.queryStartTime === null && report.queryEndTime === null) return spanned
  return { from: readWireTime(report.queryStartTime ?? '') ?? spanned.from, to }
}
