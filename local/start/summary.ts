/** What `npm start` reads from the status, and the summary it prints at the end. */

import { counted } from '../../src/core/counted.ts'
import { quotaWait } from '../../src/core/status/accounts.ts'
import type { StatusAnswer } from '../../src/core/status/fields.ts'
import { countWaiting } from '../../src/core/status/gaps.ts'
import { isTold } from '../../src/core/status/told.ts'
import { spanOf } from './progress.ts'

export type StatusBody = Pick<StatusAnswer, 'accounts' | 'feeds' | 'timers' | 'toDo'>
type FeedStatus = StatusAnswer['feeds'][number]

/** Whether nothing more happens by itself: every due window has landed, has failed, or is of a feed that is held back. */
export function isSettled({ feeds, accounts }: StatusBody): boolean {
  return feeds.every((feed) => {
    const { requesting, requested, landing } = feed.states
    const isHeld = whyHeld(feed, accounts) !== undefined
    return requesting + requested + landing === 0 && (isHeld || countWaiting(feed) === 0)
  })
}

/** Why a feed does not ask for its due windows; undefined where it does, or will once its account may. */
function whyHeld(feed: FeedStatus, accounts: StatusBody['accounts']): string | undefined {
  const { blocked, enabled, backfill } = feed
  const { refused, waitsUntil } = accounts.find(({ name }) => name === feed.account) ?? {}
  if (blocked) return blocked.kind
  if (refused?.kind === 'unauthorized' || refused?.blocks) return refused.kind
  if (!enabled) return 'disabled, or no longer in feeds.json'
  return backfill.paused && waitsUntil === undefined ? 'until "backfill resume"' : undefined
}

/** Says which accounts wait for their quota, and what a person types who does not want to wait; undefined where none does. */
export function quotaWaits({ accounts }: StatusBody): string | undefined {
  const waits = accounts.flatMap((account) => {
    const until = account.waitsUntil === undefined ? undefined : new Date(account.waitsUntil)
    return quotaWait(account, until) ?? []
  })
  return waits.length === 0 ? undefined : [...waits, WAY_OUT].join('\n')
}

const WAY_OUT =
  '  It goes on by itself then. Ctrl-C ends this run, and the next one waits on; "npm start -- --fresh" begins without the wait, and removes everything that landed on this machine'

/** Says of which feeds due windows are held back, and why; undefined where none is. */
export function heldBack({ feeds, toDo, accounts }: StatusBody): string | undefined {
  const held = feeds.filter((feed) => countWaiting(feed) > 0)
  if (held.length === 0) return undefined
  const why = held.map((feed) => `${countWaiting(feed)} of ${feed.name} (${whyHeld(feed, accounts)})`)
  return `Due windows are held back: ${why.join(', ')}${toDo.length > 0 ? '. What to do stands above' : ''}`
}

/** Whether every due window of every feed has landed and is complete, as far as its time is over. */
export function allLanded({ feeds }: StatusBody): boolean {
  return (
    feeds.length > 0 &&
    feeds.every(({ waiting, complete, running, states, blocked }) => {
      return waiting === 0 && complete + running.length === windows({ states }) && !blocked
    })
  )
}

/**
 * The summary of a run: one line per feed, what needs a person, in the words of the command `status`, and what else keeps
 * windows from being complete.
 */
export function summarise(status: StatusBody): string {
  const { feeds, toDo } = status
  const header = ['feed', 'table', 'windows', 'landed', 'failed', 'waiting', 'rows', 'complete until']
  const rows = feeds.map((feed) => [
    ...[feed.name, feed.table, windows(feed), feed.states.landed, feed.states.failed].map(String),
    ...[countWaiting(feed), feed.rows].map(String),
    howFar(feed),
  ])
  const needed = toDo.map(({ sentence, remedy, command }) => `! ${sentence}\n  ${remedy}\n  ${command}`)
  return [...table([header, ...rows]), ...needed, ...feeds.flatMap((feed) => others(feed, status))].join('\n')
}

/** As the command `status` says it. */
function howFar({ completeUntil, latestSnapshot }: FeedStatus): string {
  if (latestSnapshot) return `snapshot ${spanOf(latestSnapshot).slice(0, 10)}`
  return completeUntil ? completeUntil.slice(0, 10) : '-'
}

function windows({ states }: Pick<FeedStatus, 'states'>): number {
  return Object.values(states).reduce((sum, count) => sum + count, 0)
}

/** What of a feed heals by itself or needs nobody, and so is nothing to do. */
function others(feed: FeedStatus, status: StatusBody): readonly string[] {
  const { name, trouble, problems } = feed
  const untold = [trouble ?? [], problems].flat().filter((each) => !isTold(feed, status, each))
  const areOutdatedTold = status.toDo.some((each) => each.kind === 'outdated' && each.feed === name)
  const unproven = feed.states.landed - feed.complete - feed.running.length - (areOutdatedTold ? feed.outdated : 0)
  const landed = counted(unproven, 'landed window does', 'landed windows do')
  return [
    ...untold.map(({ message, remedy, command }) => `${name}: ${message}\n  ${remedy}\n  ${command}`),
    ...(unproven > 0 ? [`${name}: ${landed} not count as complete: "status" says why`] : []),
  ]
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
