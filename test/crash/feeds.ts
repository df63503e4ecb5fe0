import type { StoredReport } from '../laws/service.ts'

/** When the app is first deployed. The month is running, and its numbers are preliminary. */
export const START = '2026-01-30T12:00:00Z'

/** From here on the source says something else of every window. */
const RESTATED = '2026-02-01T12:00:00Z'

/** When January and both days are due again. January is asked for the last time then, and so are the days. */
export const REFRESHED = '2026-02-02T12:30:00Z'

/** A week after the start each table is audited. Since the refreshes November is older than its feed keeps, and goes. */
export const AUDITED = '2026-02-06T13:00:00Z'

/** Three feeds with six windows in all: closed months and the running one, days that are refreshed, and a snapshot. */
export const FEEDS_TEXT = JSON.stringify({
  feeds: [
    {
      name: 'usage',
      dataset: 'AzureUsage',
      columns: ['Month', 'CustomerName', 'UsageQuantity'],
      from: '2025-11-01',
      to: '2026-02-01',
      delay: 'P1D',
      openWindow: true,
      refresh: { every: 'P3D', for: 'P2D' },
      keep: 'P62D',
      shards: 2,
    },
    {
      name: 'learn',
      dataset: 'MSLearn',
      columns: ['CompletionDate', 'TrainingName'],
      from: '2026-01-28',
      to: '2026-01-30',
      delay: 'PT12H',
      refresh: { every: 'P3D', for: 'P5D' },
      shards: 1,
    },
    { name: 'profile', dataset: 'Profile', snapshot: 'P365D', columns: ['MPNId', 'PartnerName'], shards: 1 },
  ],
})

/** The windows of each feed, whether the service's last word for it is the restated one, and whether it is removed in the end. */
export const WINDOWS = [
  { feed: 'usage', table: 'Usage', id: '20251101T000000Z_20251201T000000Z', isRestated: false, isOld: true },
  { feed: 'usage', table: 'Usage', id: '20251201T000000Z_20260101T000000Z', isRestated: false, isOld: false },
  { feed: 'usage', table: 'Usage', id: '20260101T000000Z_20260201T000000Z', isRestated: true, isOld: false },
  { feed: 'learn', table: 'Learn', id: '20260128T000000Z_20260129T000000Z', isRestated: true, isOld: false },
  { feed: 'learn', table: 'Learn', id: '20260129T000000Z_20260130T000000Z', isRestated: true, isOld: false },
  { feed: 'profile', table: 'Profile', id: '20251226T000000Z_20261226T000000Z', isRestated: false, isOld: false },
] as const

export const FEEDS = ['usage', 'learn', 'profile'] as const

type Report = Pick<StoredReport, 'columns' | 'start' | 'createdTime'>

export const isRestated = ({ createdTime }: Pick<Report, 'createdTime'>) => createdTime >= RESTATED

/**
 * The records of a report: more than one transaction of rows for a month, and fewer once they are restated. No two words of
 * the source have a row in common.
 */
export function recordsOf(report: Report): readonly Readonly<Record<string, string>>[] {
  const names = report.columns.split(',').map((name) => name.trim())
  const rows = (names.includes('Month') ? 104 : 3) - (isRestated(report) ? 1 : 0)
  const word = isRestated(report) ? 'last' : 'first'
  const cell = (name: string, nth: number) => {
    if (name === 'Month' || name === 'CompletionDate') return report.start.slice(0, 10)
    return name === 'UsageQuantity' ? String(nth) : `${name} ${nth} of the ${word} word`
  }
  return Array.from({ length: rows }, (_, nth) => Object.fromEntries(names.map((name) => [name, cell(name, nth)])))
}

/** The same as a file. */
export function fileOf(report: Report): string {
  const records = recordsOf(report)
  const header = Object.keys(records[0] ?? {})
  return [header, ...records.map((record) => Object.values(record))].map((cells) => `${cells.join(',')}\r\n`).join('')
}
