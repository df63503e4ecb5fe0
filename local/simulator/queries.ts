/** Queries: listed, created, deleted, tested. */

import { randomUUID } from 'node:crypto'
import { makeRows } from './data.ts'
import {
  type Answer,
  type Call,
  items,
  NOT_FOUND,
  parameter,
  pathId,
  readFields,
  readWireTime,
  refusal,
  textField,
  wireTime,
} from './http.ts'
import { type QueryTimes, type ResolvedQuery, resolveQuery, timespanTimes } from './query.ts'
import type { Profile, Service } from './service.ts'
import type { Query } from './state.ts'
import systemQueries from './system-queries.json' with { type: 'json' }
import type { Value } from './values.ts'

/** The queries a user sees: the system's and their own. Whether the service also shows those of others is unknown. */
export function visibleQueries(service: Service, user: string): readonly Query[] {
  return [...systemQueriesOf(service.profile), ...service.state.queries.filter((query) => query.user === user)]
}

/**
 * The system queries of a profile's year; those of 2023 for the real answer, although it lacks some of their columns. Their
 * real user and creation time are unknown.
 */
function systemQueriesOf(profile: Profile): readonly Query[] {
  return systemQueries.flatMap(({ queryId, name, description, query2021, query2023 }) => {
    const query = profile === '2021' ? query2021 : query2023
    if (query === null) return []
    const type = 'system' as const
    const createdTime = '2020-12-01T00:00:00Z'
    return [{ queryId, name, description, query, type, user: 'System', createdTime, modifiedTime: null }]
  })
}

/** GET /ScheduledQueries */
export function listQueries(call: Call, service: Service, user: string): Answer {
  const [queryId, queryName] = [parameter(call, 'queryId')?.toLowerCase(), parameter(call, 'queryName')]
  const withoutSystem = parameter(call, 'includeSystemQueries')?.toLowerCase() === 'false'
  const onlySystem = parameter(call, 'includeOnlySystemQueries')?.toLowerCase() === 'true'
  const found = visibleQueries(service, user)
    .filter(({ type }) => (onlySystem ? type === 'system' : !withoutSystem || type !== 'system'))
    .filter((query) => queryId === undefined || query.queryId === queryId)
    .filter((query) => matchesName(call, query.name, queryName))
  const filtered = queryId !== undefined || queryName !== undefined
  return found.length === 0 && filtered ? refusal(404, NOT_FOUND) : items(found, 'Queries fetched successfully')
}

/**
 * Compares a name with the one a list is filtered by: exactly, ignoring case, unless the switch makes the filter partial.
 * What the service does is unknown (docs/insights-api.md).
 */
export function matchesName(call: Call, name: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return true
  const [known, asked] = [name.toLowerCase(), wanted.toLowerCase()]
  return call.effects.includes('partialNames') ? known.includes(asked) : known === asked
}

/** POST /ScheduledQueries */
export function createQuery(call: Call, service: Service, user: string): Answer {
  const fields = readFields(call)
  const [name, text] = [textField(fields, 'Name'), textField(fields, 'Query')]
  if (name === undefined || text === undefined) return refusal(400, 'Null or missing value')
  const resolved = resolveQuery(text, service.datasets)
  if (typeof resolved === 'string') return refusal(400, resolved)
  const query: Query = {
    queryId: randomUUID(),
    name,
    description: textField(fields, 'Description') ?? null,
    query: text,
    type: 'userDefined',
    user,
    createdTime: wireTime(service.now()),
    modifiedTime: null,
  }
  service.state.queries = [...service.state.queries, query]
  service.save()
  return items([query], 'Query created successfully')
}

/** DELETE /ScheduledQueries/{queryId}. Reports of the query keep their own copy of its text. */
export function deleteQuery(call: Call, service: Service, user: string): Answer {
  const queryId = pathId(call)
  const query = visibleQueries(service, user).find((visible) => visible.queryId === queryId)
  if (!query) return refusal(404, NOT_FOUND)
  if (query.type === 'system') return refusal(400, 'Invalid QueryId')
  service.state.queries = service.state.queries.filter((kept) => kept !== query)
  service.save()
  return items([query], 'Query deleted successfully')
}

/** The overview page of the API says 10 rows. The endpoint's own page and the sample say 100. */
const TEST_ROWS = 100

/**
 * GET /ScheduledQueries/testQueryResult: the first rows of a query that is given by its text or its id. What happens with
 * both or neither of them is unknown, and so are the types of the values: here numbers are JSON numbers, all else is text.
 */
export function testQuery(call: Call, service: Service, user: string): Answer {
  const [text, queryId] = [parameter(call, 'exportQuery'), parameter(call, 'queryId')?.toLowerCase()]
  if (text === undefined && queryId === undefined) return refusal(400, 'Null or missing value')
  if (text !== undefined && queryId !== undefined) return refusal(400, 'Invalid report parameters')
  const stored = visibleQueries(service, user).find((query) => query.queryId === queryId)
  if (queryId !== undefined && !stored) return refusal(400, 'Invalid QueryId')
  const query = resolveQuery(text ?? stored?.query ?? '', service.datasets)
  if (typeof query === 'string') return refusal(400, query)
  const times = testTimes(call, query, service.now())
  if (!times) return refusal(400, 'Invalid report parameters')
  const restatements = service.state.restatements
  const rows = makeRows({ seed: service.seed, query, times, rows: service.rows, restatements }).slice(0, TEST_ROWS)
  return items(
    rows.map((row) =>
      Object.fromEntries(query.columns.map(({ name, type }, index) => [name, jsonCell(row[index], type)])),
    ),
    null,
  )
}

/** Start and end each replace theirs of the TIMESPAN. Undefined when one of them is not an instant. */
function testTimes(call: Call, { timespan }: ResolvedQuery, now: Date): QueryTimes | undefined {
  const [start, end] = [parameter(call, 'startTime'), parameter(call, 'endTime')]
  const to = end === undefined ? now : readWireTime(end)
  const from = start === undefined ? to && timespanTimes(timespan, to).from : readWireTime(start)
  return from && to && { from, to }
}

function jsonCell(value: Value | undefined, type: string): string | number | null {
  if (value instanceof Date) return wireTime(value)
  if (value === null || value === undefined) return null
  return type === 'number' || type === 'integer' ? Number(value) : String(value)
}
