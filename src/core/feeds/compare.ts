import type { Feed } from './feed.ts'

/** How a feed differs between two sets: it is in only one of them, or these fields differ. */
export type FeedChange =
  | { readonly feed: string; readonly change: 'added' | 'removed' }
  | { readonly feed: string; readonly change: 'changed'; readonly fields: readonly string[] }

/** Gives the changes from `before` to `after`, one for each feed that differs. Defaults are filled in on both sides. */
export function compareFeeds(before: readonly Feed[], after: readonly Feed[]): readonly FeedChange[] {
  const removed = before.filter(({ name }) => !after.some((each) => each.name === name))
  const changes = after.flatMap((feed): readonly FeedChange[] => {
    const former = before.find(({ name }) => name === feed.name)
    if (!former) return [{ feed: feed.name, change: 'added' }]
    const fields = changedFields(former, feed)
    return fields.length > 0 ? [{ feed: feed.name, change: 'changed', fields }] : []
  })
  return [...removed.map(({ name }) => ({ feed: name, change: 'removed' }) as const), ...changes]
}

function changedFields(before: Feed, after: Feed): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  names.delete('hash')
  const fields = [...names] as (keyof Feed)[]
  const changed = fields.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  // What the user calls it in feeds.json.
  return [...new Set(changed.map((name) => (name === 'mustHave' ? 'types' : name)))]
}
