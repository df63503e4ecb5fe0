import { describe, expect, it } from 'vitest'
import type { FaultRule } from '../../local/simulator/faults.ts'
import { adviceText, BROKEN_FILE, FAILURES, type FailureKind, filled } from '../../src/core/failures.ts'
import { TIMES_IGNORED } from '../../src/core/ledger/feed-block.ts'
import { windowOption } from '../../src/core/time/words.ts'
import { status } from '../../src/steps/status.ts'
import { costsWorld, FEED, onlyEntry, turn } from './steer.ts'

type Case = readonly [name: string, kind: FailureKind, fault: FaultRule, message: RegExp, feed?: object]

/** Faults of the service that end an attempt at once. */
const CASES: readonly Case[] = [
  [
    'a link to a host nobody allowed',
    'link-refused',
    { endpoint: 'listExecutions', effect: { link: 'https://evil.example/r.csv?sig=secret' } },
    /leads to https:\/\/evil\.example: to allow it, add it to REPORT_DOWNLOAD_HOSTS/,
  ],
  [
    'a link to a plain address',
    'link-refused',
    { endpoint: 'listExecutions', effect: { link: 'http://127.0.0.1:9/r.csv?sig=secret' } },
    /leads to http:\/\/127\.0\.0\.1:9/,
  ],
  [
    'a redirect in place of the file',
    'link-refused',
    { endpoint: 'download', effect: { status: 302, body: '', headers: { location: 'https://evil.example/' } } },
    /unexpected answer 302; redirects are not followed/,
  ],
  [
    'a create call without permission',
    'forbidden',
    { endpoint: 'createReport', effect: { status: 403 } },
    /answered 403/,
  ],
  [
    'a create call refused for its query',
    'query-refused',
    { endpoint: 'createReport', effect: { status: 400, message: 'Incorrect column name' } },
    /answered 400 "Incorrect column name"/,
  ],
  [
    'a refusal under HTTP 200',
    'query-refused',
    { endpoint: 'createReport', effect: { envelope: 400 } },
    /the service answered 400/,
  ],
  [
    'a token that is refused twice',
    'unauthorized',
    { endpoint: 'createReport', effect: { status: 401 }, nth: 'all' },
    /answered 401/,
  ],
  ['data hidden from the role', 'redacted', { endpoint: 'listExecutions', effect: 'redacted' }, /hides data/],
  [
    'a column that is not there',
    'column-missing',
    { endpoint: 'report', effect: { missingColumn: 'ACR_USD' } },
    /not in the report: "ACR_USD"/,
  ],
  [
    'a column that is new',
    'column-new',
    { endpoint: 'report', effect: { newColumn: 'Surprise' } },
    /new columns in the report: "Surprise"/,
    { newColumns: 'fail' },
  ],
  [
    'a row outside the window',
    'outside-window',
    { endpoint: 'report', effect: 'outsideWindow' },
    /line \d+ has a row outside the window/,
  ],
  [
    'a service that ignores the query times',
    'outside-window',
    { endpoint: 'report', effect: 'timesIgnored' },
    /has a row outside the window/,
  ],
  ['gzip cut short', 'malformed', { endpoint: 'report', effect: 'truncatedGzip' }, /gzip data is broken or cut short/],
  [
    'a bad row at the end',
    'too-many-rejects',
    { endpoint: 'report', effect: 'badLastRow' },
    /1 of \d+ rows can't land/,
  ],
  ['the header twice', 'too-many-rejects', { endpoint: 'report', effect: 'headerTwice' }, /1 of \d+ rows can't land/],
  [
    'a column twice',
    'malformed',
    { endpoint: 'report', effect: { columnTwice: 'CustomerName' } },
    /"CustomerName" is in the header twice/,
  ],
  ['nothing at all', 'no-header', { endpoint: 'report', effect: 'nothing' }, /no header line/],
]

describe('a window that fails', () => {
  it.each(CASES.map(([name, kind, ...rest]) => ({ name, kind, rest })))(
    '$name: $kind is told with its remedy, and the feed is blocked only if something has to change first',
    async ({ kind, rest: [fault, message, feed] }) => {
      const world = await costsWorld({ feeds: [{ ...FEED, ...feed }] })
      world.simulator.fault(fault)
      await turn(world)
      const entry = await onlyEntry(world)
      expect(entry).toMatchObject({ state: 'failed', kind, message: expect.stringMatching(message) })
      const { heals } = FAILURES[kind]
      const isBroken = entry?.state === 'failed' && entry.broken === true
      const about = { account: 'default', feed: 'costs', ...(entry && { window: windowOption(entry.window) }) }
      const ofKind = kind === 'outside-window' ? TIMES_IGNORED : FAILURES[kind]
      const advice = filled(isBroken ? BROKEN_FILE : ofKind, about)
      const remedy = adviceText(advice)
      expect(remedy).not.toMatch(/<(account|feed|window)>/)
      const told = (name: string) => world.events.filter(({ event }) => event === name)
      expect(told('window.failed')).toMatchObject([{ kind, attempt: 1, feed: 'costs' }])
      // A block tells its remedy once, however many windows fail of it.
      expect(told('window.failed')[0]?.remedy).toBe(heals === 'change' ? undefined : remedy)
      expect(told('feed.blocked')).toMatchObject(heals === 'change' ? [{ kind, remedy, feed: 'costs' }] : [])
      const [feedStatus] = (await status(world.services)).feeds
      expect(feedStatus?.problems).toMatchObject([{ kind, ...advice, landedBefore: false }])
      expect(feedStatus?.blocked?.kind).toBe(heals === 'change' ? kind : undefined)
      expect(JSON.stringify([await world.entries(), world.events])).not.toContain('secret')
    },
  )

  it('for what blocks its feed, beside others that fail of it as well: one event has the remedy', async () => {
    const months = { ...FEED, from: '2025-01-01', to: '2025-04-01', openWindow: false }
    const world = await costsWorld({ feeds: [months] })
    world.simulator.fault({ endpoint: 'listExecutions', effect: 'redacted', nth: 'all' })
    await turn(world)
    const failed = world.events.filter(({ event }) => event === 'window.failed')
    expect(failed.length).toBeGreaterThan(1)
    expect(world.events.filter(({ remedy }) => remedy !== undefined)).toMatchObject([
      { event: 'feed.blocked', kind: 'redacted', remedy: expect.stringMatching(/unblock costs$/) },
    ])
  })
})
