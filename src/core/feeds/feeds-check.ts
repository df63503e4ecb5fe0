import { type Dataset, findDataset } from '../catalog.ts'
import { validateQuery, validateWhere } from '../query/check.ts'
import type { Feed } from './feed.ts'
import { type FeedsProblems, parseFeeds } from './feeds.ts'

/** What can be said of feeds.json without asking the service. */
export type CheckedFeeds = { readonly feeds: readonly Feed[]; readonly warnings: readonly string[] }

/** Reads feeds.json as the app does, and the users' own queries and conditions by the query language; all that is wrong, one line each. */
export function checkFeeds(text: string, catalogue: readonly Dataset[]): CheckedFeeds | FeedsProblems {
  const file = parseFeeds(text, catalogue)
  if ('problems' in file) return file
  const problems = file.feeds.flatMap((feed) => queryProblems(feed, catalogue))
  return problems.length > 0 ? { problems } : { feeds: file.feeds, warnings: file.warnings }
}

/** What is wrong with the feed's own query or conditions. */
export function queryProblems({ name, dataset, source }: Feed, catalogue: readonly Dataset[]): readonly string[] {
  const known = findDataset(catalogue, dataset)
  if (!known || source.kind === 'queryId') return []
  const own = source.kind === 'query' ? validateQuery(source.query, known) : []
  const where = source.kind === 'columns' && source.where !== undefined ? validateWhere(source.where, known) : []
  const field = source.kind === 'query' ? 'query' : 'where'
  return [...own, ...where].map(({ problem }) => `feed "${name}": ${field}: ${problem}`)
}
