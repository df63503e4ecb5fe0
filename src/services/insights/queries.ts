import { type Failure, isFailure } from '../../core/failures.ts'
import { present } from '../../core/present.ts'
import { type Item, idOf, instantOf, textOf } from './answer.ts'
import { DESCRIPTION, deleteOne, queryOf, type Send } from './call.ts'
import type { List } from './pages.ts'
import { failureOf, incomplete } from './refusals.ts'

/**
 * A test may run for 100 seconds, and a query that runs so long is most likely right (Partner Insights documentation).
 */
const TEST_LIMIT_MS = 110_000

/** A stored query. The documents give neither user nor creation time for the system's own queries. */
export type Query = {
  readonly queryId: string
  readonly name: string
  readonly query: string
  readonly type?: string
  readonly description?: string
  readonly user?: string
  readonly createdAt?: Date
}

/** By default the service lists its own queries together with the user's. */
export type QueryFilter = {
  readonly queryId?: string
  readonly queryName?: string
  readonly includeSystemQueries?: boolean
  readonly includeOnlySystemQueries?: boolean
}

export type NewQuery = { readonly name: string; readonly query: string; readonly description?: string }

/** A query to try out, by its text or by its id. The times are UTC and replace its TIMESPAN. */
export type TestRun = ({ readonly exportQuery: string } | { readonly queryId: string }) & {
  readonly startTime?: string
  readonly endTime?: string
}

/** All queries that match a filter. The service may match parts of names. */
export async function listQueries(list: List, filter: QueryFilter): Promise<readonly Query[] | Failure> {
  const about =
    filter.queryName === undefined ? `queries ${filter.queryId ?? ''}`.trim() : `query "${filter.queryName}"`
  const found = await list({ path: `/ScheduledQueries?${queryOf(filter)}`, about })
  return isFailure(found) ? found : found.items.flatMap(toQuery)
}

/** The user's queries with exactly that name. */
export async function findQueries(list: List, queryName: string): Promise<readonly Query[] | Failure> {
  const found = await listQueries(list, { queryName, includeSystemQueries: false })
  return isFailure(found) ? found : found.filter(({ name }) => name === queryName.trim())
}

/** Stores a query. If the answer gets lost, the query may exist: look it up by its name before you store it again. */
export async function createQuery(send: Send, { name, query, description }: NewQuery): Promise<Query | Failure> {
  const about = `create query "${name}"`
  const body = { Name: name, Description: description ?? DESCRIPTION, Query: query }
  const answer = await send({ method: 'POST', path: '/ScheduledQueries', about, body })
  if (isFailure(answer)) return answer
  if (answer.status >= 400) return failureOf(answer, about)
  const [created] = answer.items.flatMap(toQuery)
  return created ?? incomplete(answer, about, 'contains no id that can be used; the query is looked up and tried again')
}

export function deleteQuery(send: Send, queryId: string): Promise<Failure | undefined> {
  return deleteOne(send, { path: '/ScheduledQueries', about: 'delete query' }, queryId)
}

/** Runs a query at once. Gives at most 100 rows, with their fields by lower-case name. */
export async function testQuery(send: Send, run: TestRun): Promise<readonly Item[] | Failure> {
  const about = 'queryId' in run ? `test query ${run.queryId}` : 'test a query'
  const path = `/ScheduledQueries/testQueryResult?${queryOf(run)}`
  const answer = await send({ method: 'GET', path, about, limitMs: TEST_LIMIT_MS })
  if (isFailure(answer)) return answer
  return answer.status >= 400 ? failureOf(answer, about) : answer.items
}

function toQuery(item: Item): readonly Query[] {
  const queryId = idOf(item, 'queryId')
  if (!queryId) return []
  const query = present<Query>({
    queryId,
    name: textOf(item, 'name') ?? '',
    query: textOf(item, 'query') ?? '',
    type: textOf(item, 'type'),
    description: textOf(item, 'description'),
    user: textOf(item, 'user'),
    createdAt: instantOf(item, 'createdTime'),
  })
  return [query]
}
