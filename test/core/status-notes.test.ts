import { expect, test } from 'vitest'
import { withReach } from '../../src/core/ledger/reach.ts'
import { quotaWait } from '../../src/core/status/accounts.ts'
import { seeFeed } from '../../src/core/status/feed.ts'
import type { FeedStatus } from '../../src/core/status/fields.ts'
import { feedNotes } from '../../src/core/status/notes.ts'
import { windowId } from '../../src/core/time/window.ts'
import { month, months, NOW, rowOf } from './status-of.ts'

const at = (text: string) => new Date(`${text}Z`)
const id = (text: string) => windowId(month(text))
const { status } = seeFeed(NOW, { row: rowOf(), entries: months(9, 9, 9, 9, 9, 9, 9, 9, 9, 9), unreadable: [] })
const notesOf = (given: Partial<FeedStatus>) => feedNotes({ ...status, ...given })

test('a feed that is as it should be has no notes', () => {
  expect(status.notes).toEqual([])
})

const PROBLEM = {
  kind: 'storage',
  message: 'the table does not answer',
  remedy: 'Look.',
  command: 'npx partner-insights-sync doctor',
} as const
const EMPTIED = { windows: 2, from: at('2025-08-01T00:00'), to: at('2025-10-01T00:00') }

test('a feed whose time ended before what the service offers says so, and names no start of its history', () => {
  const ended = rowOf({ from: '2024-01-01', to: '2024-06-01' })
  const row = withReach({ ...ended, ranges: ['LAST_1_YEAR'] }, NOW)
  expect(seeFeed(NOW, { row, entries: [], unreadable: [] }).status.notes).toEqual([
    'The service offers nothing of its time, which ends on 2024-06-01: it has AzureUsage from 2025-01-01 on',
  ])
})

test.each<[Partial<FeedStatus>, string]>([
  [
    { removedSince: at('2025-12-01T10:00') },
    'It was purged at 2025-12-01T10:00Z: its old rows are still being removed, and its name is free after that',
  ],
  [
    { since: at('2027-03-01T00:00'), firstSeenAhead: true },
    'It was first seen at 2027-03-01T00:00Z, by a clock that was ahead: until then it is never called stale',
  ],
  [{ restsUntil: at('2025-12-10T13:00') }, 'It rests until 2025-12-10T13:00Z: the service gave no answer for it'],
  [{ stretch: 4 }, 'It is refreshed 4 times less often than it says, for the quota of its account'],
  [
    { startsAt: at('2025-03-01T00:00') },
    'History starts on 2025-03-01 and not at "from": the service offers no more of AzureUsage',
  ],
  [{ backfill: { paused: false, left: 1, landed: 0, lately: 0 } }, '1 window of history left, 0 landed'],
  [
    { backfill: { paused: false, left: 72, landed: 18, lately: 18 } },
    '72 windows of history left, 18 landed: "backfill" says how long the rest takes',
  ],
  [
    { backfill: { paused: false, left: 300, landed: 65, lately: 18 } },
    '300 windows of history left, 65 landed: about 17 hours more at the pace of the last hour',
  ],
  [
    { backfill: { paused: false, left: 3000, landed: 65, lately: 18 } },
    '3000 windows of history left, 65 landed: about 7 days more at the pace of the last hour',
  ],
  [
    {
      backfill: {
        paused: false,
        left: 0,
        landed: 9,
        lately: 0,
        dueLater: { windows: 30, lastAt: at('2026-01-09T00:00') },
      },
    },
    '30 reports of history are due later, when data has settled: the last on 2026-01-09',
  ],
  [
    {
      backfill: {
        paused: false,
        left: 0,
        landed: 9,
        lately: 0,
        dueLater: { windows: 1, lastAt: at('2026-01-09T00:00') },
      },
    },
    '1 report of history is due later, when data has settled: on 2026-01-09',
  ],
  [
    { backfill: { paused: true, left: 20, landed: 4, lately: 4 } },
    '20 windows of history left, paused until "backfill resume --feed azure-usage"; what is live goes on',
  ],
  [
    { slow: [{ window: id('2025-10'), state: 'requesting', requestedAt: at('2025-12-10T09:00') }] },
    'October 2025 is requesting, asked for at 2025-12-10T09:00Z',
  ],
  [
    {
      slow: [
        {
          window: id('2025-10'),
          state: 'requested',
          requestedAt: at('2025-12-10T09:00'),
          until: at('2025-12-11T09:00'),
        },
      ],
    },
    'October 2025 is requested, asked for at 2025-12-10T09:00Z; the service has until 2025-12-11T09:00Z',
  ],
  [
    { resting: [{ ...PROBLEM, window: id('2025-10') }] },
    'October 2025 rests and goes on by itself: the table does not answer',
  ],
  [{ resting: [PROBLEM] }, 'A window rests and goes on by itself: the table does not answer'],
  [{ lateFiles: 1 }, '1 file is not in place yet, which each sweep tries again'],
  [{ withoutFile: 2 }, '2 windows have no file: see "backfill --publish --feed azure-usage"'],
  [{ earlierForm: 1 }, '1 window landed with other columns, types or shards'],
  [{ earlyBlanks: 2 }, '2 windows had no rows before the data had settled: not complete yet'],
  [
    { doubtful: [{ window: id('2025-10'), rows: 1 }] },
    'October 2025: a stray quote may have made 1 row of several: look at its archive; "import azure-usage <file> --month 2025-10" lands a corrected file',
  ],
  [{ acceptedGaps: [id('2025-01')] }, 'Accepted gap: January 2025'],
  [{ acceptedGaps: [id('2025-01'), 'no window'] }, 'Accepted gaps: January 2025, no window'],
  [{ drift: ['the service no longer lists the column AppId'] }, 'the service no longer lists the column AppId'],
  [
    { emptied: { Discount: EMPTIED } },
    'Column Discount, which had values before, has none in 2 windows from 2025-08-01 to 2025-10-01',
  ],
])('of %o the note is: %s', (given, note) => {
  expect(notesOf(given)).toEqual([note])
})

const ASKED = 'account default has asked for'

test.each([
  [18, 20, undefined],
  [19, 20, `${ASKED} 19 reports in the last hour, of 20 at most, and keeps one for what is live: history waits`],
  [20, 20, `${ASKED} 20 reports in the last hour, of 20 at most: the next ones wait`],
  // As after a refusal for the quota.
  [20, 10, `${ASKED} 20 reports in the last hour, of 10 at most: the next ones wait`],
  [0, 1, undefined],
  [1, 1, `${ASKED} 1 report in the last hour, of 1 at most: the next ones wait`],
])('an account that asked for %i reports of %i in the hour: %s', (lastHour, perHour, said) => {
  const account = { name: 'default', reports: { lastHour, perHour, inFlight: 0, maxInFlight: 10 } }
  const rest = ' until earlier ones are an hour old'
  expect(quotaWait(account, undefined)).toBe(said && `${said}${rest}`)
  expect(quotaWait({ ...account, refused: {} }, undefined)).toBeUndefined()
  expect(quotaWait(account, at('2025-12-10T13:00'))).toMatch(
    /^account default waits until 2025-12-10T13:00Z: .* an hour$/,
  )
})
