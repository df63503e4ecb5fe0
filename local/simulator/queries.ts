import { randomUUID } from 'node:crypto'
import { datasetsOf } from './datasets.ts'
import {
  type Answer,
  type Call,
  items,
  NOT_FOUND,
  parameter,
  pathId,
  readFields,
  refusal,
  textField,
  wireTime,
} from './http.ts'
import { resolveQuery } from './query.ts'
import type { Profile, Service } from './service.ts'
import type { Query } from './state.ts'
import systemQueries from './system-queries.json' with { type: 'json' }

/** The system queries of a profile's year. Their user and creation are unknown; these are made up. */
export function systemQueriesOf(profile: Profile): readonly Query[] {
  return systemQueries.flatMap(({ queryId, name, description, query2021, query2023 }) => {
    const query = profile === '2021' ? query2021 : query2023
    if (query === null) return []
    const common = { queryId, name, description, query, type: 'system' as const }
    return [{ ...common, user: 'System', createdTime: '2020-12-01T00:00:00Z', modifiedTime: null }]
  })
}

/** The queries a user sees: the system's and the user's own (whether others' are seen is unknown). */
export function visibleQueries(service: Service, user: string): readonly Query[] {
  return [...systemQueriesOf(service.profile), ...service.state.queries.filter((query) => query.user === user)]
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

/** Names are filtered whole and whatever their case (unknown: docs/insights-api.md), unless the switch makes it partial. */
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
  const resolved = resolveQuery(text, datasetsOf(service.profile))
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

/** DELETE /ScheduledQueries/{queryId}; reports made from it keep their own copy of its text. */
export function deleteQuery(call: Call, service: Service, user: string): Answer {
  const queryId = pathId(call)
  const query = visibleQueries(service, user).find((visible) => visible.queryId === queryId)
  if (!query) return refusal(404, NOT_FOUND)
  if (query.type === 'system') return refusal(400, 'Invalid QueryId')
  service.state.queries = service.state.queries.filter((kept) => kept !== query)
  service.save()
  return items([query], 'Query deleted successfully')
}
