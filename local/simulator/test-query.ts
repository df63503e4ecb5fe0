import { makeRows } from './data.ts'
import { datasetsOf } from './datasets.ts'
import { type Answer, type Call, items, parameter, readWireTime, refusal, wireTime } from './http.ts'
import { visibleQueries } from './queries.ts'
import { type QueryTimes, type ResolvedQuery, resolveQuery, timespanTimes } from './query.ts'
import type { Service } from './service.ts'

import type { Value } from './values.ts'

/** A page says 10 rows, two others 100, as the sample shows (docs/insights-api.md). */
const ROWS = 100

/**
 * GET /ScheduledQueries/testQueryResult: the first rows of a query given by its text or its id. What both or neither
 * of them get is unknown, and so are the types of the values: here numbers are JSON numbers and everything else is text.
 */
export function testQuery(call: Call, service: Service, user: string): Answer {
  const [text, queryId] = [parameter(call, 'exportQuery'), parameter(call, 'queryId')?.toLowerCase()]
  if (text === undefined && queryId === undefined) return refusal(400, 'Null or missing value')
  if (text !== undefined && queryId !== undefined) return refusal(400, 'Invalid report parameters')
  const stored = visibleQueries(service, user).find((query) => query.queryId === queryId)
  if (queryId !== undefined && !stored) return refusal(400, 'Invalid QueryId')
  const query = resolveQuery(text ?? stored?.query ?? '', datasetsOf(service.profile))
  if (typeof query === 'string') return refusal(400, query)
  const times = timesOf(call, query, service.now())
  if (!times) return refusal(400, 'Invalid report parameters')
  const restatements = service.state.restatements
  const rows = makeRows({ seed: service.seed, query, times, rows: service.rows, restatements }).slice(0, ROWS)
  return items(
    rows.map((row) => Object.fromEntries(query.columns.map(({ name, type }, index) => [name, cell(row[index], type)]))),
    null,
  )
}

/** Start and end each replace theirs of the TIMESPAN; undefined where one of them is no instant. */
function timesOf(call: Call, { timespan }: ResolvedQuery, now: Date): QueryTimes | undefined {
  const [start, end] = [parameter(call, 'startTime'), parameter(call, 'endTime')]
  const to = end === undefined ? now : readWireTime(end)
  const from = start === undefined ? to && timespanTimes(timespan, to).from : readWireTime(start)
  return from && to && { from, to }
}

function cell(value: Value | undefined, type: string): string | number | null {
  if (value instanceof Date) return wireTime(value)
  if (value === null || value === undefined) return null
  return type === 'number' || type === 'integer' ? Number(value) : String(value)
}
