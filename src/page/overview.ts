import { quotaWords } from '../core/status/accounts.ts'
import type { StatusAnswer } from '../core/status/fields.ts'
import { countWaiting } from '../core/status/gaps.ts'
import { windowName } from '../core/time/words.ts'
import { LOOKS } from './cells.ts'
import type { Picture } from './picture.ts'
import { facts } from './pieces.ts'
import { type Child, element, type Tree } from './tree.ts'
import { ago, exact, many, minute, span } from './words.ts'

type Feed = StatusAnswer['feeds'][number]
type Account = StatusAnswer['accounts'][number]

/** The four answers of one look. */
export function tiles(status: StatusAnswer): Tree {
  const { toDo, feeds, accounts } = status
  const waiting = sum(feeds, countWaiting)
  const reports = accounts.map(({ reports: each }) => each)
  return element(
    'section',
    { key: 'tiles', class: 'tiles', 'aria-label': 'At a glance' },
    toDo.length > 0
      ? tile('needs you', many(toDo.length, 'thing'), firstWords(status), 'bad')
      : tile('needs you', 'nothing', 'the app goes on by itself', 'good'),
    tile('complete', completeOf(feeds), freshWords(feeds)),
    tile(
      'on their way',
      of(
        sum(reports, ({ inFlight }) => inFlight),
        sum(reports, ({ maxInFlight }) => maxInFlight),
      ),
      waiting > 0 ? `${many(waiting, 'window')} waiting` : 'no window waits',
    ),
    tile(
      'reports this hour',
      of(
        sum(reports, ({ lastHour }) => lastHour),
        sum(reports, ({ perHour }) => perHour),
      ),
      many(accounts.length, 'account'),
    ),
  )
}

function tile(name: string, value: string, more: string, look = ''): Tree {
  return element(
    'div',
    { class: `tile ${look}` },
    element('p', { class: 'name' }, name),
    element('p', { class: 'value' }, value),
    element('p', { class: 'more' }, more),
  )
}

function firstWords({ toDo }: StatusAnswer): string {
  const places = new Set(toDo.map(({ feed, account }) => feed ?? account).filter((name) => name !== undefined))
  return places.size > 0 ? `in ${many(places.size, 'place')}` : 'of the app itself'
}

/** A window that still runs and a gap that a person accepted cannot be complete. */
function completeOf(feeds: readonly Feed[]): string {
  const complete = sum(feeds, ({ complete: each }) => each)
  const asked = sum(feeds, ({ states }) => Object.values(states).reduce((all, each) => all + each, 0))
  const apart = sum(feeds, ({ running, acceptedGaps }) => running.length + acceptedGaps.length)
  const all = asked + sum(feeds, ({ waiting }) => waiting) - apart
  return of(complete, Math.max(all, complete))
}

function freshWords(feeds: readonly Feed[]): string {
  if (feeds.length === 0) return 'no feeds yet'
  const late = feeds.filter(({ staleSince }) => staleSince).length
  const blocked = feeds.filter((feed) => feed.blocked).length
  const held = [
    ...(late > 0 ? [`${many(late, 'feed')} late`] : []),
    ...(blocked > 0 ? [`${many(blocked, 'feed')} blocked`] : []),
  ]
  if (held.length > 0) return held.join(', ')
  return feeds.some(({ freshUntil, latestSnapshot }) => freshUntil ?? latestSnapshot)
    ? 'every feed is fresh'
    : 'no rows yet'
}

function of(part: number, whole: number): string {
  return `${exact(part)} of ${exact(whole)}`
}

function sum<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((all, item) => all + count(item), 0)
}

/** What works now: timers, queue, accounts, and the reports that are on their way. */
export function workings({ nowMs }: Picture, status: StatusAnswer): Tree {
  const { timers, queue, feedsFrom, accounts } = status
  return element(
    'section',
    { key: 'workings', 'aria-label': 'At work' },
    facts({ class: 'workings' }, [
      ['timers', [timer('provision', timers.provision, nowMs), ' · ', timer('sweep', timers.sweep, nowMs)]],
      ['queue', queueWords(queue, nowMs)],
      ...(feedsFrom?.packagedDiffers
        ? [['feeds.json', `${FEEDS_FROM[feedsFrom.source]}; the one that the app was built with is another`] as const]
        : []),
      ...accounts.map((account) => [`account ${account.name}`, accountWords(account, nowMs)] as const),
      ...comingRow(status),
    ]),
  )
}

/** Where feeds.json came from, in words. */
const FEEDS_FROM = {
  container: 'the file that the app was given counts',
  package: 'the file of the last tick counts',
} as const

function timer(
  name: string,
  { finishedAt, silentSince, requested, waiting }: StatusAnswer['timers']['provision'],
  nowMs: number,
): Child {
  const asked = requested ? `, asked for ${exact(requested)}` : ''
  const left = waiting ? `, left ${exact(waiting)} for later` : ''
  const words = `${name} ${finishedAt ? `${ago(nowMs - Date.parse(finishedAt))}${asked}${left}` : 'has not run yet'}`
  return silentSince ? bad(`${words}, silent since ${minute(silentSince, nowMs)}`) : words
}

function queueWords({ messages, oldest, poisoned }: StatusAnswer['queue'], nowMs: number): Child {
  const age = oldest ? `, the oldest ${ago(nowMs - Date.parse(oldest))}` : ''
  const words = messages === 0 ? 'empty' : `${many(messages, 'message')}${age}`
  return poisoned > 0 ? [`${words} · `, bad(`${exact(poisoned)} poisoned`)] : words
}

function accountWords({ reports, waitsUntil, refused, credentials }: Account, nowMs: number): Child {
  const { lastHour, perHour, inFlight, maxInFlight } = reports
  return [
    `${of(inFlight, maxInFlight)} on their way · ${of(lastHour, perHour)} this hour`,
    waitsUntil && [' · ', warn(`waits until ${minute(waitsUntil, nowMs)}: ${quotaWords(reports)}`)],
    refused && [' · ', bad(`sign-in refused since ${minute(refused.since, nowMs)}`)],
    credentials.map(({ what, daysLeft }) => [' · ', credentialWords(what, daysLeft)]),
  ]
}

/** As many days as the app itself finds few. */
const FEW_DAYS = 30

function credentialWords(what: string, daysLeft: number): Child {
  const name = what.replace('-', ' ')
  if (daysLeft < 0) return bad(`${name} has ended`)
  const words = `${name} for ${many(daysLeft, 'more day')}`
  return daysLeft < FEW_DAYS ? warn(words) : words
}

/** More of them are counted. */
const MOST_NAMED = 4

function comingRow({ at, feeds }: StatusAnswer): readonly (readonly [string, Child])[] {
  const slow = new Map(
    feeds.flatMap(({ name, slow: each }) =>
      each.map(({ window, requestedAt }) => [`${name} ${window}`, requestedAt] as const),
    ),
  )
  const coming = feeds.flatMap(({ name, windows }) =>
    windows
      .filter(({ state }) => state === 'requesting' || state === 'requested' || state === 'landing')
      .map(({ id }) => ({ feed: name, id, since: slow.get(`${name} ${id}`) })),
  )
  if (coming.length === 0) return []
  // The slowest first: it may be stuck.
  coming.sort((a, b) => (a.since ?? '9').localeCompare(b.since ?? '9'))
  const named = coming.slice(0, MOST_NAMED).map(({ feed, id, since }, at_) => [
    at_ > 0 ? ' · ' : '',
    element(
      'button',
      {
        key: `${feed} ${id}`,
        type: 'button',
        class: 'link',
        'data-feed': feed,
        'data-window': id,
        'data-open': true,
      },
      `${feed} ${windowName(id)}`,
    ),
    since && ` (${span(Date.parse(at) - Date.parse(since))})`,
  ])
  const rest = coming.length - MOST_NAMED
  return [['on their way', [named, rest > 0 ? ` and ${exact(rest)} more` : undefined]]]
}

function bad(words: string): Tree {
  return element('span', { class: 'bad' }, words)
}

function warn(words: string): Tree {
  return element('span', { class: 'warn' }, words)
}

/** What each cell means. */
export function legend(): Tree {
  return element(
    'ul',
    { key: 'legend', class: 'legend', 'aria-label': 'What the cells mean' },
    Object.entries(LOOKS).map(([look, { glyph, word }]) =>
      element('li', {}, element('span', { class: `cell ${look}`, 'data-glyph': glyph }), ' ', word),
    ),
  )
}
