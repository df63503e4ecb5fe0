import type { Simulator } from '../../local/simulator/simulator.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import { reportRequests } from '../setup/insights.ts'

/** The generation in a partition's key, which is another one for each landing. */
const GENERATION = /_g[0-9a-f]{12}_/

const ORIGIN = new Set(['_attempt', '_reportId', 'Timestamp'])

/** The rows without their time, attempt and report, so that every history that ends well gives the same. */
export function withoutOrigin(rows: readonly RawRow[]): readonly RawRow[] {
  return rows.map((row) => {
    const own = Object.entries(row).filter(
      ([name]) => !name.startsWith('odata.') && !ORIGIN.has(name.replace(/@.*/, '')),
    )
    return { ...Object.fromEntries(own), PartitionKey: String(row.PartitionKey).replace(GENERATION, '_') }
  })
}

/** Which generation, attempt and report the rows of each window say they are of: one line where they agree. */
export function originsOf(rows: readonly RawRow[]): readonly string[] {
  const origins = rows.map((row) => `${String(row.PartitionKey).slice(0, 22)} ${row._attempt} ${row._reportId}`)
  return [...new Set(origins)].toSorted()
}

/** The same, taken from the figures in the ledger. */
export function figuresOrigins(entries: readonly RawRow[]): readonly string[] {
  const origins = entries.map(({ RowKey, figures }) => {
    const { attempt, generation, reportId } = JSON.parse(String(figures))
    return `${String(RowKey).slice(0, 8)}_g${generation} ${attempt} ${reportId}`
  })
  return origins.toSorted()
}

/** The names of all reports that the service was asked for; each stands for one attempt of one window. */
export function askedReports({ requests }: Pick<Simulator, 'requests'>): readonly string[] {
  return reportRequests({ requests })
    .map(({ body }) => String(JSON.parse(body).ReportName))
    .toSorted()
}

/** The name of the report of each entry's attempt. */
export function attemptNames(entries: readonly RawRow[]): readonly string[] {
  const names = entries.map(({ PartitionKey, RowKey, attempt }) => {
    const feed = String(PartitionKey).replaceAll('-', 'X')
    return `pis local ${feed} ${String(RowKey).replace('_', ' ')} ${attempt}`
  })
  return names.toSorted()
}

/** The first day of the month `months` before the current one, as feeds.json writes it. */
export function monthsBack(months: number): string {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)).toISOString().slice(0, 10)
}
