import { expect, it } from 'vitest'
import { historyLines, rehearsalLines } from '../../cli/backfill/lines.ts'
import { isOver, progressLine } from '../../cli/backfill/watch.ts'
import type { Line } from '../../cli/output.ts'
import { type FeedRow, newFeedRow } from '../../src/core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { toPlanned } from '../../src/core/ledger/transitions.ts'
import { type BackfillView, type Question, viewBackfill } from '../../src/core/plan/backfill.ts'
import { EMPTY_PACING, type Pacing } from '../../src/core/plan/pacing.ts'
import { withRefusedSignIn } from '../../src/core/plan/refused-sign-in.ts'
import { setBack } from '../../src/core/plan/set-back.ts'
import { DAY_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { feedOf } from '../core/feed-of.ts'
import { landed } from '../core/status-of.ts'
import { testSettings } from '../setup/settings.ts'

const NOW = new Date('2025-07-10T12:00:00Z')

const every = (milliseconds: number) => (after: Date) =>
  new Date(Math.floor(after.getTime() / milliseconds + 1) * milliseconds)
const TIMERS = { nextTick: every(15 * MINUTE_MS), nextSweep: every(5 * MINUTE_MS), requestMs: 1000 }

const rowOf = (name: string, fields: object, row: Partial<FeedRow> = {}): FeedRow => ({
  ...newFeedRow(feedOf({ name, openWindow: false, ...fields }), {}, NOW),
  ...row,
})

type Now = { readonly entries: readonly LedgerEntry[]; readonly pacing: Pacing }

function view(rows: readonly FeedRow[], question: Partial<Question> = {}, now: Partial<Now> = {}): BackfillView {
  const { limits, ...rules } = testSettings()
  const { entries = [], pacing = EMPTY_PACING } = now
  const feeds = rows.map((row) => ({ row, entries, unreadable: [] }))
  const account = { feeds, pacing, limits, rules }
  return viewBackfill(NOW, [account], TIMERS, { isInSpan: () => true, ...question })
}

const textOf = (line: Line = '') =>
  [line]
    .flat()
    .map((part) => (typeof part === 'string' ? part : part.text))
    .join('')

const ofMonths = ({ requests }: BackfillView) =>
  requests.map(({ feed, window }) => `${feed} ${window.from.toISOString().slice(0, 7)}`)

const GOING = rowOf('going', { from: '2025-05-01', to: '2025-07-01' })
const PAUSED = rowOf('held', { from: '2025-04-01', to: '2025-07-01' }, { backfillPaused: true })

it('a dry run shows paused history as if it were resumed, and a look does not', () => {
  const rows = [GOING, PAUSED]
  expect(ofMonths(view(rows))).toEqual(['going 2025-06', 'going 2025-05'])
  const dry = view(rows, { asIfResumed: true })
  expect(ofMonths(dry)).toEqual(['going 2025-06', 'held 2025-06', 'going 2025-05', 'held 2025-05', 'held 2025-04'])
  expect(dry.feeds).toMatchObject([{ progress: 'going' }, { feed: 'held', progress: 'paused', waiting: 3, reports: 3 }])
  expect(rehearsalLines(dry)).toContain('held is paused: shown as if "backfill resume" came now')
  // What the question is not about stays as it is, and takes no turns.
  const one = view([...rows, rowOf('else', { from: '2025-06-01' }, { backfillPaused: true })], {
    feed: 'held',
    asIfResumed: true,
  })
  expect(ofMonths(one)).toEqual(['held 2025-06', 'held 2025-05', 'held 2025-04'])
})

it('windows in a run that are out of range for the same reason are one line', () => {
  const fields = { dataset: 'MSLearn', window: 'P1M', from: '2023-01-01', to: '2025-07-01' }
  const lines = rehearsalLines(view([rowOf('learn', fields, { ranges: ['LAST_1_YEAR'] })]))
  const why = 'begins before what the service offers of MSLearn (LAST_1_YEAR)'
  expect(lines.filter((line) => typeof line === 'string' && line.startsWith('out of range'))).toEqual([
    `out of range: learn from 2023-01-01 to 2024-08-01, 19 windows: each ${why}`,
  ])
  const months = [0, 1, 3].map((month) => new Date(Date.UTC(2024, month, 1)))
  const left = months.map((from) => ({
    feed: 'usage',
    window: { from, to: new Date(Date.UTC(2024, from.getUTCMonth() + 1, 1)) },
    why: 'is planned already',
  }))
  // March is not among them: the run ends before it.
  expect(rehearsalLines({ ...view([]), left })).toEqual([
    'usage from 2024-01-01 to 2024-03-01, 2 windows stay: each is planned already',
    'usage 20240401T000000Z_20240501T000000Z stays: it is planned already',
  ])
})

it('progress goes by what is asked for, and names what is paused or blocked apart', () => {
  const refusal = { kind: 'forbidden', message: 'no', at: NOW.toISOString() } as const
  const blocked = rowOf('stuck', { from: '2025-06-01', to: '2025-07-01' }, { blocked: refusal })
  const both = view([GOING, PAUSED, blocked])
  expect(progressLine(both)).toMatch(
    /^0 of 2 windows of history landed, 0 in the last hour, 0 under way, 3 paused, 1 blocked, about \d+ minutes left$/,
  )
  expect(isOver(both)).toBe(false)
  const held = view([PAUSED])
  expect(historyLines(held).map(textOf).at(-1)).toBe('what is paused is not asked for: "backfill resume" lets it go on')
  expect(progressLine(held)).toBe('0 of 0 windows of history landed, 0 in the last hour, 0 under way, 3 paused')
  expect(isOver(held)).toBe(true)
})

it('what is due later has a column of its own, and is still to come', () => {
  const late = view([rowOf('late', { delay: 'P45D', from: '2025-05-01', to: '2025-07-01' })])
  expect(late.feeds).toMatchObject([{ waiting: 0, dueLater: 2, reports: 2, progress: 'going' }])
  expect(textOf(historyLines(late)[1])).toMatch(/^late +0 +0 +0 +2 +0 +0 +2 +2025-08-15/)
  expect(historyLines(late).slice(3).map(textOf)).toEqual([
    '2 reports of history are due later, when data has settled or a failed try is repeated: the last on 2025-08-15',
    'if each report lands after 10 minutes, and the app has the timers and limits of these settings',
  ])
  expect(progressLine(late)).toBe('0 of 2 windows of history landed, 0 in the last hour, 0 under way, 2 due later')
  // A dry run has the same word for it, and nobody watches for days.
  expect(new Set(late.requests.map(({ state }) => state))).toEqual(new Set(['due later']))
  expect(isOver(late)).toBe(true)
  expect(isOver(view([GOING]))).toBe(false)
})

it('what can be asked for now counts apart from what is due later, also where it is the same window', () => {
  // June is asked for as it is now, and once more when it has settled, before the other feed's May is due.
  const june = { from: '2025-06-01', to: '2025-07-01' }
  const running = rowOf('running', { ...june, delay: 'P20D', openWindow: true, refresh: false })
  const late = rowOf('late', { delay: 'P60D', from: '2025-05-01', to: '2025-06-01' })
  const both = view([running, late])
  expect(ofMonths(both)).toEqual(['running 2025-06', 'running 2025-06', 'late 2025-05'])
  expect(both.requests.map(({ isDueNow }) => isDueNow)).toEqual([true, false, false])
  expect(historyLines(both).slice(4, 6).map(textOf)).toEqual([
    '1 report: about 25 minutes, until 2025-07-10T12:25Z',
    '2 reports of history are due later, when data has settled or a failed try is repeated: the last on 2025-07-31',
  ])
  expect(progressLine(both)).toMatch(/, about 25 minutes left, 2 due later$/)
})

it('a try that is repeated tomorrow is due later', () => {
  const entry: LedgerEntry = { ...landed('2025-05', 9, {}, GOING), feed: 'going', lane: 'backfill' }
  const again = toPlanned(entry, 'retry', new Date(NOW.getTime() + DAY_MS), 0)
  const { dueNow, dueLater } = view([GOING], {}, { entries: [again] })
  expect({ dueNow, dueLater }).toMatchObject({ dueNow: { reports: 1 }, dueLater: { reports: 1 } })
})

it('what landed in the last hour is of what counts as landed: a window that is asked for again is not', () => {
  const figures = { landedAt: new Date(NOW.getTime() - MINUTE_MS) }
  const entry: LedgerEntry = { ...landed('2025-05', 9, figures, GOING), feed: 'going', lane: 'backfill' }
  const again = setBack('all', GOING, entry, NOW)
  if (!again || 'why' in again) throw new Error('it was not set back')
  const shown = (now: LedgerEntry) => progressLine(view([GOING], {}, { entries: [now] }))
  expect(shown(entry)).toMatch(/^1 of 2 windows of history landed, 1 in the last hour/)
  expect(shown(again)).toMatch(/^0 of 2 windows of history landed, 0 in the last hour/)
})

it('says of an account that cannot sign in that its times are not known', () => {
  const failure = { kind: 'unauthorized', message: 'the token was refused' } as const
  const refused = view([GOING], {}, { pacing: withRefusedSignIn(EMPTY_PACING, failure, NOW) })
  const lines = historyLines(refused).map(textOf)
  expect(lines[3]).toBe(
    'account default cannot sign in (unauthorized), and asks for nothing until it can: "status" shows what to type',
  )
  expect(lines.at(-1)).toMatch(/ of these settings, and can sign in$/)
  expect(progressLine(refused)).toMatch(/, account default cannot sign in$/)
  expect(
    historyLines(view([GOING]))
      .map(textOf)
      .join('\n'),
  ).not.toContain('sign in')
})
