import { present } from '../present.ts'
import type { Feed } from './feed.ts'

/** How a feed differs between two sets: it is in only one of them, or these fields of feeds.json differ. */
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
  const [former, now] = [asWritten(before), asWritten(after)]
  const names = new Set([...Object.keys(former), ...Object.keys(now)])
  return [...names].filter((name) => JSON.stringify(former[name]) !== JSON.stringify(now[name]))
}

/** A feed by the fields of feeds.json. What follows from another field, as long as nobody says otherwise, is left out. */
function asWritten({
  hash: _,
  source,
  cadence,
  mustHave,
  types,
  grain,
  ...rest
}: Feed): Readonly<Record<string, unknown>> {
  return {
    ...rest,
    types: [types, mustHave],
    ...fieldsOf(source),
    // A dataset that the catalogue lacks has the grain of its window.
    ...(cadence.kind === 'snapshot'
      ? { snapshot: cadence.every }
      : { ...windowsOf(cadence), window: [cadence.window, grain] }),
  }
}

function fieldsOf({ kind, ...source }: Feed['source']): object {
  return 'distinct' in source && !source.distinct ? { ...source, distinct: undefined } : source
}

function windowsOf({ kind, backfillWindow, ...fields }: Extract<Feed['cadence'], { kind: 'windows' }>): object {
  const isOwn = JSON.stringify(backfillWindow) !== JSON.stringify(fields.window)
  return present<object>({ ...fields, ...(isOwn && { backfillWindow }) })
}
