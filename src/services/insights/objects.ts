import { type Item, textOf, textsOf } from './answer.ts'

/** What a dataset offers now. */
export type LiveDataset = {
  readonly name: string
  readonly columns: readonly string[]
  readonly metrics: readonly string[]
  /** TIMESPAN words. */
  readonly ranges: readonly string[]
  readonly minimumRecurrenceIntervalHours?: number
}

/** A stored query. Of the system's own ones the documents tell neither user nor creation. */
export type Query = {
  readonly queryId: string
  readonly name: string
  readonly query: string
  readonly type?: string
  readonly description?: string
  readonly user?: string
  readonly createdAt?: Date
}

/** A report as the service lists it. Its callback address is left out: the path of ours is a capability. */
export type Report = {
  readonly reportId: string
  readonly reportName: string
  readonly queryId: string
  readonly description?: string
  readonly query?: string
  readonly user?: string
  readonly createdAt?: Date
  readonly modifiedAt?: Date
  readonly startsAt?: Date
  readonly executeNow?: boolean
  /** `Active`, `Paused` or `Inactive`. */
  readonly status?: string
  readonly recurrenceIntervalHours?: number
  readonly recurrenceCount?: number
  readonly format?: string
}

export const EXECUTION_STATUSES = ['Pending', 'Running', 'Paused', 'Completed'] as const

export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number]

/** One run of a report as the service lists it; `link` is signed and belongs into no message. */
export type ExecutionRecord = {
  readonly executionId: string
  readonly reportId: string
  readonly status: ExecutionStatus | undefined
  readonly link?: URL
  readonly linkExpiresAt?: Date
  readonly generatedAt?: Date
  readonly format?: string
}

export function toDataset(item: Item): readonly LiveDataset[] {
  const name = textOf(item, 'datasetName')
  if (!name) return []
  const lists = { columns: textsOf(item, 'selectableColumns'), metrics: textsOf(item, 'availableMetrics') }
  const hours = numberOf(item, 'minimumRecurrenceInterval')
  const ranges = textsOf(item, 'availableDateRanges')
  return [{ name, ...lists, ranges, ...present({ minimumRecurrenceIntervalHours: hours }) }]
}

export function toQuery(item: Item): readonly Query[] {
  const queryId = textOf(item, 'queryId')
  if (!queryId) return []
  const texts = { type: textOf(item, 'type'), description: textOf(item, 'description'), user: textOf(item, 'user') }
  const common = { queryId, name: textOf(item, 'name') ?? '', query: textOf(item, 'query') ?? '' }
  return [{ ...common, ...present({ ...texts, createdAt: instantOf(item, 'createdTime') }) }]
}

export function toReport(item: Item): readonly Report[] {
  const reportId = textOf(item, 'reportId')
  if (!reportId) return []
  const common = { reportId, reportName: textOf(item, 'reportName') ?? '', queryId: textOf(item, 'queryId') ?? '' }
  const executeNow = item.executenow === true || item.executenow === false ? item.executenow : undefined
  const facts = {
    ...{ description: textOf(item, 'description'), query: textOf(item, 'query'), user: textOf(item, 'user') },
    ...{ createdAt: instantOf(item, 'createdTime'), modifiedAt: instantOf(item, 'modifiedTime') },
    ...{ startsAt: instantOf(item, 'startTime'), executeNow, status: textOf(item, 'reportStatus') },
    recurrenceIntervalHours: numberOf(item, 'recurrenceInterval'),
    recurrenceCount: numberOf(item, 'recurrenceCount'),
    format: textOf(item, 'format'),
  }
  return [{ ...common, ...present(facts) }]
}

export function toExecution(item: Item): readonly ExecutionRecord[] {
  const executionId = textOf(item, 'executionId')
  if (!executionId) return []
  const said = textOf(item, 'executionStatus')?.toLowerCase()
  const status = EXECUTION_STATUSES.find((each) => each.toLowerCase() === said)
  const link = textOf(item, 'reportAccessSecureLink')
  const facts = {
    ...{ link: link && URL.canParse(link) ? new URL(link) : undefined, format: textOf(item, 'format') },
    ...{ linkExpiresAt: instantOf(item, 'reportExpiryTime'), generatedAt: instantOf(item, 'reportGeneratedTime') },
  }
  return [{ executionId, reportId: textOf(item, 'reportId') ?? '', status, ...present(facts) }]
}

function numberOf(item: Item, name: string): number | undefined {
  const value = item[name.toLowerCase()]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** Instants are UTC whether or not they say so. */
function instantOf(item: Item, name: string): Date | undefined {
  const text = textOf(item, name)
  const instant = new Date(text && /T[\d:.]+$/.test(text) ? `${text}Z` : (text ?? ''))
  return Number.isNaN(instant.getTime()) ? undefined : instant
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Fields that the service did not fill in are absent. */
function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>
}
