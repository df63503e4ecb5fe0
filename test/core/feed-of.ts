import { CATALOG } from '../../src/core/catalog.ts'
import type { Feed } from '../../src/core/feeds/feed.ts'
import { parseFeeds } from '../../src/core/feeds/feeds.ts'

/** A feed as `feeds.json` would give it: of AzureUsage (by month, settled after four days) unless the fields say otherwise. */
export function feedOf(fields: Readonly<Record<string, unknown>> = {}): Feed {
  const text = JSON.stringify({ feeds: [{ name: 'azure-usage', dataset: 'AzureUsage', ...fields }] })
  const file = parseFeeds(text, CATALOG)
  if ('problems' in file) throw new Error(file.problems.join('\n'))
  const [feed] = file.feeds
  if (!feed) throw new Error('no feed')
  return feed
}

/** What `parseFeeds` says of one feed that is wrong. */
export function problemsOf(fields: Readonly<Record<string, unknown>>): readonly string[] {
  return problemsIn(JSON.stringify({ feeds: [{ name: 'azure-usage', dataset: 'AzureUsage', ...fields }] }))
}

/** What `parseFeeds` says of a file that is wrong. */
export function problemsIn(text: string): readonly string[] {
  const file = parseFeeds(text, CATALOG)
  return 'problems' in file ? file.problems : []
}
