/** Checks a request for a report, as the service does. */

import { randomUUID } from 'node:crypto'
import { type Answer, type Fields, readWireTime, refusal, textField } from './http.ts'
import { visibleQueries } from './queries.ts'
import { resolveQuery } from './query.ts'
import type { Service } from './service.ts'
import { type Effect, settingOf } from './switches.ts'

/** A request for a report: what was sent, who sent it, and which switches hit it. */
export type ReportRequest = {
  readonly fields: Fields
  readonly service: Service
  readonly user: string
  readonly effects: readonly Effect[]
}

type Check = (request: ReportRequest) => Answer | undefined

const INTERVAL_HOURS = { least: 4, most: 2160 }
const HOUR_MS = 3_600_000
const LEAD_MS = 4 * HOUR_MS
const INVALID = 'Invalid report parameters'

/** In the order in which the service is assumed to check a request. */
const CHECKS: readonly Check[] = [missing, unknownQuery, badInterval, earlyStart, badNames, badDates, quota]

/** Gives the refusal of the first check that fails. Undefined means that the report can be created. */
export function refuseReport(request: ReportRequest): Answer | undefined {
  return firstRefusal(CHECKS, request)
}

/** As `refuseReport`, for an update. Whether the start then has to lie 4 hours ahead is unknown: here it does. */
export function refuseUpdate(request: ReportRequest): Answer | undefined {
  return firstRefusal([missingInUpdate, badInterval, earlyStart, badNames, badDates], request)
}

function firstRefusal(checks: readonly Check[], request: ReportRequest): Answer | undefined {
  for (const check of checks) {
    const refused = check(request)
    if (refused) return refused
  }
  return undefined
}

/** With ExecuteNow the service ignores start, interval and count. */
export function isExecuteNow(fields: Fields): boolean {
  return fields.get('executenow') === true
}

function missing({ fields }: ReportRequest): Answer | undefined {
  const always = ['reportname', 'queryid']
  return absentOf(fields, isExecuteNow(fields) ? always : [...always, 'starttime', 'recurrenceinterval'])
}

function missingInUpdate({ fields }: ReportRequest): Answer | undefined {
  return absentOf(fields, ['reportname', 'starttime'])
}

function absentOf(fields: Fields, needed: readonly string[]): Answer | undefined {
  const absent = needed.some(
    (name) => fields.get(name) === undefined || fields.get(name) === null || fields.get(name) === '',
  )
  return absent ? refusal(400, 'Null or missing value') : undefined
}

function unknownQuery({ fields, service, user }: ReportRequest): Answer | undefined {
  const queryId = textField(fields, 'QueryId')?.toLowerCase()
  const query = visibleQueries(service, user).find((visible) => visible.queryId === queryId)
  if (!query) return refusal(400, 'Invalid QueryId')
  const resolved = resolveQuery(query.query, service.datasets)
  return typeof resolved === 'string' ? refusal(400, resolved) : undefined
}

function badInterval({ fields }: ReportRequest): Answer | undefined {
  if (isExecuteNow(fields)) return undefined
  const [hours, count] = [fields.get('recurrenceinterval') ?? INTERVAL_HOURS.least, fields.get('recurrencecount') ?? 1]
  if (!Number.isInteger(hours) || !Number.isInteger(count) || Number(count) < 1) return refusal(400, INVALID)
  const inRange = Number(hours) >= INTERVAL_HOURS.least && Number(hours) <= INTERVAL_HOURS.most
  return inRange ? undefined : refusal(400, 'Recurrence Interval must be between 4 and 2160')
}

function earlyStart({ fields, service }: ReportRequest): Answer | undefined {
  const start = readWireTime(textField(fields, 'StartTime') ?? '')
  if (isExecuteNow(fields) || !start || start.getTime() >= service.now().getTime() + LEAD_MS) return undefined
  return refusal(400, `${INVALID} for creation - Start time of report should at least be 4 hours from current UTC time`)
}

function badNames({ fields }: ReportRequest): Answer | undefined {
  const allowed = { Format: ['CSV', 'TSV'], CallbackMethod: ['GET', 'POST'] }
  for (const [name, values] of Object.entries(allowed)) {
    const value = textField(fields, name)
    if (value !== undefined && !values.includes(value.toUpperCase())) {
      return refusal(400, `Requested value '${value}' not found`)
    }
  }
  const callback = textField(fields, 'CallbackUrl')
  const callable = callback === undefined || (/^https?:\/\//i.test(callback) && URL.canParse(callback))
  return callable ? undefined : refusal(400, INVALID)
}

function badDates({ fields }: ReportRequest): Answer | undefined {
  const names = isExecuteNow(fields)
    ? ['QueryStartTime', 'QueryEndTime']
    : ['StartTime', 'QueryStartTime', 'QueryEndTime']
  const given = names
    .map((name) => fields.get(name.toLowerCase()))
    .filter((value) => value !== undefined && value !== null)
  if (given.every((value) => readWireTime(String(value).trim()))) return undefined
  return refusal(500, `Internal error encountered while creating report. Correlation ID <${randomUUID()}>`)
}

/** The quota of the sister API, in its own words. Whether this API has one is unknown. */
function quota({ fields, service, user, effects }: ReportRequest): Answer | undefined {
  const most = settingOf(effects, 'quota')
  if (most === undefined || !isExecuteNow(fields)) return undefined
  const since = service.now().getTime() - HOUR_MS
  const recent = service.state.reports.filter(
    (report) => report.user === user && report.executeNow && Date.parse(report.createdTime) > since,
  )
  if (recent.length < most) return undefined
  return refusal(400, `User has exceeded its ExecuteNow report creation quota of ${most} reports/60 mins`)
}
