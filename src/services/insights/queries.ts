import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { failureOf, type Item } from './answer.ts'
import type { Send } from './call.ts'
import type { List } from './list.ts'
import { type Query, toQuery } from './objects.ts'

/** By default the service lists its own queries with the user's. */
export type QueryFilter = {
  readonly queryId?: string
  readonly queryName?: string
  readonly includeSystemQueries?: boolean
  readonly includeOnlySystemQueries?: boolean
}

export type NewQuery = { readonly name: string; readonly query: string; readonly description?: string }

/** A query to try out, by its text or its id; times are UTC and replace its TIMESPAN. */
export type TestRun = ({ readonly exportQuery: string } | { readonly queryId: string }) & {
  readonly startTime?: string
  readonly endTime?: string
}

/** Milliseconds: a test may run for 100 s, and then is most likely right (Partner Insights documentation). */
const TEST_LIMIT = 110_000

/** The fields that are given, as the query part of an address. */
export function parametersOf(fields: Readonly<Record<string, string | boolean | undefined>>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')
}

/** All queries of a filter. The service may compare names in part, so who wants an exact name compares it. */
export async function listQueries(list: List, filter: QueryFilter): Promise<readonly Query[] | Failure> {
  const about =
    filter.queryName === undefined ? `queries ${filter.queryId ?? ''}`.trim() : `query "${filter.queryName}"`
  const found = await list({ path: `/ScheduledQueries?${parametersOf(filter)}`, about })
  return isFailure(found) ? found : found.items.flatMap(toQuery)
}

/** Stores a query. Where its answer is lost it may exist: who asks again looks it up by name first. */
export async function createQuery(send: Send, { name, query, description }: NewQuery): Promise<Query | Failure> {
  const about = `create query "${name}"`
  const body = { Name: name, Description: description ?? 'made by partner-insights-sync', Query: query }
  const answer = await send({ method: 'POST', path: '/ScheduledQueries', about, body })
  if (isFailure(answer)) return answer
  if (answer.status >= 400) return failureOf(answer, about)
  const [created] = answer.items.flatMap(toQuery)
  return created ?? failed('unavailable', `${about}: the answer names no id; it is looked up and tried again`)
}

/** Runs a query at once and gives at most 100 rows, their fields by lower-case name. */
export async function testQuery(send: Send, run: TestRun): Promise<readonly Item[] | Failure> {
  const about = 'queryId' in run ? `test query ${run.queryId}` : 'test a query'
  const path = `/ScheduledQueries/testQueryResult?${parametersOf(run)}`
  const answer = await send({ method: 'GET', path, about, limit: TEST_LIMIT })
  if (isFailure(answer)) return answer
  return answer.status >= 400 ? failureOf(answer, about) : answer.items
}
