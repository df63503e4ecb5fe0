import { describe, expect, test } from 'vitest'
import { type FailureKind, failed } from '../../src/core/failures.ts'
import { whyAsksNothing } from '../../src/core/ledger/feed-block.ts'
import type { Figures, LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { toFailed, toPlanned } from '../../src/core/ledger/transitions.ts'
import { setBack } from '../../src/core/plan/set-back.ts'
import { seeFeed } from '../../src/core/status/feed.ts'
import { silentTimer } from '../../src/core/status/status.ts'
import { windowDetail } from '../../src/core/status/window.ts'
import { windowId } from '../../src/core/time/window.ts'
import { failedMonth, landed, month, NOW, rowOf } from './status-of.ts'

const see = (entries: readonly LedgerEntry[], row = rowOf()) => seeFeed(NOW, { row, entries, unreadable: [] })
const toDoOf = (entries: readonly LedgerEntry[], row = rowOf()) => see(entries, row).toDo

const OURS = 'npx partner-insights-sync'
const MAY = month('2025-05')
const standing = (more: Partial<Figures> = {}) => {
  const { figures } = landed('2025-05', 9, more)
  return figures ? { figures } : {}
}
const IMPORTED = standing({ origin: 'import', archive: 'own.csv' })

describe('the command of a failed window', () => {
  test('never replaces the rows of a file by those of the service', () => {
    const commandOf = (more: Parameters<typeof failedMonth>[1]) => toDoOf([failedMonth('2025-05', more)])[0]?.command
    const kinds = ['malformed', 'suspicious-empty', 'poison', 'out-of-range', 'no-header'] as const
    for (const kind of kinds) {
      const again = `${OURS} replay azure-usage --month 2025-05 --archive own.csv`
      expect(commandOf({ kind, ...IMPORTED })).toBe(again)
      // What broke the storage or the function is not the file's fault: its own archive lands once more.
      const own = kind === 'poison' ? `${OURS} replay azure-usage --month 2025-05` : again
      expect(commandOf({ kind, ...IMPORTED, byPerson: true })).toBe(own)
    }
  })

  test('of a file is none that lands the file once more', () => {
    const wayOf = (more: Parameters<typeof failedMonth>[1]) => toDoOf([failedMonth('2025-05', more)])[0]
    const own = { byPerson: true, origin: 'import', archive: 'failed.csv' } as const
    const kinds = ['malformed', 'no-header', 'outside-window'] as const
    for (const kind of [...kinds, 'too-many-rejects', 'suspicious-empty'] as const) {
      const over = wayOf({ kind, ...own, ...standing() })
      expect(over?.command).toBe(`${OURS} replay azure-usage --month 2025-05 --archive blob`)
      const alone = wayOf({ kind, ...own })
      expect([alone?.command, alone?.remedy]).toEqual([
        `${OURS} forget azure-usage --month 2025-05`,
        expect.stringMatching(/which has no rows/),
      ])
      // What stands of the window would go with it.
      if (kind !== 'suspicious-empty') expect(over?.remedy).not.toMatch(/forget/)
      for (const each of [over, alone]) {
        expect(each?.remedy).toMatch(/"import azure-usage <file> --month 2025-05"/)
        expect(/"rejects /.test(each?.remedy ?? '')).toBe(kind === 'too-many-rejects')
      }
    }
  })

  test('of a file that landed before, and no longer fits its feed, is about the feed', () => {
    const again = { ...IMPORTED, byPerson: true, origin: 'import', archive: 'own.csv' } as const
    const commandOf = (kind: FailureKind) => toDoOf([failedMonth('2025-05', { kind, ...again })])[0]?.command
    expect(commandOf('malformed')).toBe(`${OURS} feeds push`)
    expect(commandOf('too-many-rejects')).toBe(`${OURS} rejects --feed azure-usage --month 2025-05`)
    expect(commandOf('storage')).toBe(`${OURS} replay azure-usage --month 2025-05`)
  })

  test('of an archived report never speaks of a file, and asks the service again', () => {
    const wayOf = (kind: FailureKind) => {
      const replayed = { ...standing(), byPerson: true, origin: 'service', archive: 'earlier.csv' } as const
      return toDoOf([failedMonth('2025-05', { kind, ...replayed })])[0]
    }
    for (const kind of ['malformed', 'no-header', 'outside-window'] as const) {
      expect(wayOf(kind)?.command).toBe(`${OURS} retry azure-usage --month 2025-05`)
      expect(wayOf(kind)?.remedy).not.toMatch(/import|forget|rejects/)
    }
    expect(wayOf('too-many-rejects')?.command).toBe(`${OURS} rejects --feed azure-usage --month 2025-05`)
    const empty = wayOf('suspicious-empty')
    expect(empty?.command).toBe(`${OURS} replay azure-usage --month 2025-05 --archive blob`)
    expect(empty?.remedy).toMatch(/"retry azure-usage --month 2025-05 --accept-empty"/)
  })

  test('and its remedy fit each other where the service no longer has the window', () => {
    const [gap] = toDoOf([failedMonth('2025-05', { kind: 'out-of-range' })])
    expect(gap).toMatchObject({
      remedy: expect.stringMatching(/accept that it has no rows/),
      command: `${OURS} accept-gap azure-usage --month 2025-05`,
    })
    const [kept] = toDoOf([failedMonth('2025-05', { kind: 'out-of-range', ...standing() })])
    expect(kept).toMatchObject({
      remedy: expect.stringMatching(/land them again from their archive/),
      command: `${OURS} replay azure-usage --month 2025-05 --archive blob`,
    })
  })

  test('whose rows were rejected lands from its archive where the service no longer has it, and asks for nothing', () => {
    const wayOf = (more: Parameters<typeof failedMonth>[1], ranges: readonly string[]) => {
      const entry = failedMonth('2025-05', { kind: 'too-many-rejects', archive: 'late.csv', ...more })
      return toDoOf([entry], { ...rowOf(), ranges })[0]
    }
    const own = { byPerson: true, origin: 'service' } as const
    const [gone, offered] = [['LAST_3_MONTHS'], ['LAST_1_YEAR']]
    for (const more of [{}, standing()]) {
      const rejected = wayOf(more, gone)
      expect(rejected?.command).toBe(`${OURS} rejects --feed azure-usage --month 2025-05`)
      expect(rejected?.remedy).toMatch(/"feeds push".*"replay azure-usage --month 2025-05 --archive late.csv"/)
      expect(rejected?.remedy).not.toMatch(/retry|next tick asks/)
      expect(wayOf(more, offered)?.remedy).toMatch(/the next tick asks for the window again/)
      for (const broken of [wayOf({ ...more, broken: true }, gone), wayOf({ ...more, ...own, broken: true }, gone)]) {
        expect(broken?.remedy).toMatch(/"rejects --feed azure-usage --month 2025-05".*"import /)
        expect(broken?.remedy).not.toMatch(/retry|types of the feed/)
        const way =
          'figures' in more
            ? 'replay azure-usage --month 2025-05 --archive blob'
            : 'accept-gap azure-usage --month 2025-05'
        expect(broken?.command).toBe(`${OURS} ${way}`)
      }
      expect(wayOf({ ...more, broken: true }, offered)?.remedy).toMatch(/"retry /)
    }
    // What has a file of a person is never replaced.
    expect(wayOf(IMPORTED, gone)?.command).toBe(`${OURS} replay azure-usage --month 2025-05 --archive own.csv`)
  })

  test('that the service no longer has, and whose last report may still land, is to land that', () => {
    const [left] = toDoOf([failedMonth('2025-05', { kind: 'out-of-range', archive: 'late.csv' })])
    expect(left).toMatchObject({
      remedy: expect.stringMatching(/"import .*"accept-gap azure-usage --month 2025-05"/),
      command: `${OURS} replay azure-usage --month 2025-05 --archive late.csv`,
    })
  })

  test('is none once a person has accepted the window as a gap', () => {
    const entries = [failedMonth('2025-05', { kind: 'out-of-range' })]
    const toDo = toDoOf(entries, { ...rowOf(), acceptedGaps: [windowId(MAY)] })
    expect(toDo.filter(({ kind }) => kind === 'window-failed')).toEqual([])
  })
})

describe('a snapshot that failed', () => {
  const feed = { dataset: 'Profile', from: undefined, openWindow: undefined, refresh: undefined, snapshot: 'P1D' }
  const row = { ...rowOf(feed), since: '2025-12-08T12:00:00.000Z' }
  const day = (from: string, to: string) => ({ from: new Date(from), to: new Date(to) })
  const failedOn9th = (kind: FailureKind): LedgerEntry => ({
    ...failedMonth('2025-05', { kind }),
    window: day('2025-12-09', '2025-12-10'),
  })
  const [first, second, today] = [
    { ...landed('2025-05', 9, {}, row), window: day('2025-12-08', '2025-12-09') },
    failedOn9th('out-of-range'),
    { ...failedMonth('2025-05'), window: day('2025-12-10', '2025-12-11') },
  ] as const

  test('needs nobody once its time has passed, and has no command that asks for it', () => {
    for (const kind of ['out-of-range', 'malformed', 'poison'] as const) {
      const { toDo } = see([first, failedOn9th(kind)], row)
      expect(toDo).toMatchObject([{ kind: 'feed-stale', command: `${OURS} doctor` }])
      expect(toDo[0]?.remedy).toMatch(/the next snapshot/i)
      expect(see([first, failedOn9th(kind)], row).status.problems).toEqual([])
      const commands = windowDetail(NOW, '1', failedOn9th(kind), row).commands
      expect(commands).toEqual([`${OURS} forget azure-usage --window 2025-12-09`])
    }
  })

  test('has no remedy that asks for it once its time has passed, whatever failed and whatever stands', () => {
    const stands = [{}, standing(), IMPORTED]
    const sources = [{}, ...(['service', 'import'] as const).map((origin) => ({ byPerson: true as const, origin }))]
    const kinds = ['out-of-range', 'malformed', 'suspicious-empty', 'poison', 'deadline', 'too-many-rejects'] as const
    for (const kind of kinds)
      for (const figures of stands)
        for (const source of sources)
          for (const more of [{}, { broken: true as const }, { cut: true as const }]) {
            const entry = { ...failedOn9th(kind), ...figures, ...source, ...more } as LedgerEntry
            const { error, commands } = windowDetail(NOW, '1', entry, row)
            expect([error?.remedy, error?.command, ...commands].join(' ')).not.toMatch(
              /retry|accept-gap|"unblock|next tick asks/,
            )
            if (!('figures' in figures) && !('byPerson' in source)) expect(error?.command).toMatch(/forget/)
          }
    const left = (kind: FailureKind) => {
      const entry = { ...failedOn9th(kind), archive: 'late.csv' } as LedgerEntry
      const { remedy, command } = windowDetail(NOW, '1', entry, row).error ?? {}
      return `${remedy} ${command}`
    }
    for (const kind of ['too-many-rejects', 'storage', 'poison', 'out-of-range'] as const)
      expect(left(kind)).toMatch(/replay azure-usage --window 2025-12-09 --archive late.csv/)
    expect(left('malformed')).not.toMatch(/replay/)
    // The rows of a file are not replaced by what the service sent.
    const late = { ...failedOn9th('too-many-rejects'), archive: 'late.csv', ...IMPORTED } as LedgerEntry
    expect(windowDetail(NOW, '1', late, row).error?.command).toMatch(/--archive (?!late)/)
    const again = `${OURS} replay azure-usage --window 2025-12-09 --archive blob`
    const over = { ...failedOn9th('malformed'), ...standing() } as LedgerEntry
    expect(windowDetail(NOW, '1', over, row)).toMatchObject({ error: { command: again } })
    expect(windowDetail(NOW, '1', over, row).commands[0]).toBe(again)
  })

  test('is named by a stale feed while it can be asked for', () => {
    expect(toDoOf([first, second, today], row)).toMatchObject([
      { kind: 'window-failed', command: `${OURS} retry azure-usage --window 2025-12-10` },
      { kind: 'feed-stale', command: `${OURS} retry azure-usage --window 2025-12-10` },
    ])
  })

  test('or landed with few rows, for another question or without a column needs nobody to ask for it', () => {
    const at = (day: string, rows: number, more: Partial<Figures> = {}): LedgerEntry => ({
      ...landed('2025-05', rows, more, row),
      window: { from: new Date(`2025-12-${day}`), to: new Date(Date.parse(`2025-12-${day}`) + 86_400_000) },
    })
    const before = ['02', '03', '04', '05', '06', '07'].map((each) => at(each, 100))
    const kindsOf = (...last: readonly LedgerEntry[]) => toDoOf([...before, ...last], row).map(({ kind }) => kind)
    expect(kindsOf(at('08', 10))).not.toContain('window-halved')
    expect(kindsOf(at('08', 0), at('09', 100))).not.toContain('window-empty')
    expect(kindsOf(at('08', 9, { rowSet: 'another question' }))).not.toContain('outdated')
    // That of today can be asked for.
    const [halved] = toDoOf([...before, at('10', 10)], row).filter(({ kind }) => kind === 'window-halved')
    expect(halved?.command).toBe(`${OURS} retry azure-usage --window 2025-12-10`)
    const span = { from: '2025-12-08T00:00:00.000Z', to: '2025-12-09T00:00:00.000Z' }
    const lacking = toDoOf([at('08', 9, { emptyColumns: ['Units'] })], { ...row, emptiedIn: { Units: span } })
    expect(lacking.find(({ kind }) => kind === 'column-empty')).toMatchObject({ command: `${OURS} datasets Profile` })
  })

  test('and was accepted as a gap makes its feed no fresher', () => {
    const accepted = { ...row, acceptedGaps: [windowId(second.window)] }
    expect(see([first, second], accepted).status.freshUntil).toEqual(first.window.from)
  })
})

describe('a window whose rows were removed', () => {
  const REMOVED = standing({ verdict: 'removed', removedAt: NOW, totalsBefore: {}, rejects: 'rejects' })
  const kept = (keep: string) => rowOf({ keep })
  const failed = failedMonth('2025-05', { ...REMOVED })

  test('has no rows of an earlier landing, and no command that is refused', () => {
    const [toDo] = toDoOf([failed], kept('P2Y'))
    expect(toDo).toMatchObject({ kind: 'window-failed', command: `${OURS} retry azure-usage --month 2025-05` })
    expect(toDo?.sentence).toContain('its earlier rows were removed on 10 December 2025')
    expect(windowDetail(NOW, '1', failed, kept('P2Y')).sentence).toContain('its earlier rows were removed on 10 Dec')
    const gone = landed('2025-05', 9, REMOVED.figures)
    const detail = windowDetail(NOW, '1', gone, kept('P1M'))
    expect(detail.sentence).toMatch(/with 9 rows, which were removed on 10 December 2025$/)
    expect(detail.commands).toEqual([`${OURS} forget azure-usage --month 2025-05`])
  })

  test('needs nobody while it is older than what its feed keeps', () => {
    expect(toDoOf([failed], kept('P1M')).filter(({ kind }) => kind === 'window-failed')).toEqual([])
  })

  test('lacks no column, is marked as such, and is no full neighbour of an empty one', () => {
    const { emptiedIn } = { emptiedIn: { Units: { from: MAY.from.toISOString(), to: MAY.to.toISOString() } } }
    const lacking = landed('2025-05', 9, { ...REMOVED.figures, emptyColumns: ['Units'], running: true })
    const { status, toDo } = see([lacking], { ...rowOf(), emptiedIn })
    expect([status.emptied, status.windows[0]?.mark]).toEqual([{}, 'removed'])
    expect(toDo.map(({ kind }) => kind)).not.toContain('column-empty')
    const beside = [landed('2025-05', 9, REMOVED.figures), landed('2025-06', 0), landed('2025-07', 9)]
    expect(toDoOf(beside).map(({ kind }) => kind)).not.toContain('window-empty')
  })
})

describe('what would be refused', () => {
  const failed = [failedMonth('2025-05', { lane: 'backfill' })]
  const others = [1, 2, 3, 4, 5, 6].map((at) => landed(`2025-0${at}`, 100))
  const halved = [...others, { ...landed('2025-07', 10), lane: 'backfill' } as LedgerEntry]
  const of = (kind: string, entries: readonly LedgerEntry[], row: ReturnType<typeof rowOf>) =>
    toDoOf(entries, row).find((each) => each.kind === kind)

  test('is not printed for a feed that is disabled or refused: feeds.json comes first', () => {
    const blocked = { kind: 'query-refused', message: 'no', at: NOW.toISOString() } as const
    for (const row of [rowOf({ enabled: false }), { ...rowOf(), refused: true, blocked } as ReturnType<typeof rowOf>]) {
      for (const toDo of [of('window-failed', failed, row), of('window-halved', halved, row)]) {
        expect(toDo).toMatchObject({ command: `${OURS} feeds push`, remedy: expect.stringMatching(/^First let feed/) })
      }
    }
  })

  test('is not printed for history that is paused: its end comes first', () => {
    const paused = { ...rowOf(), backfillPaused: true } as const
    const command = `${OURS} backfill resume --feed azure-usage`
    expect(of('window-failed', failed, paused)).toMatchObject({ command })
    expect(of('window-halved', halved, paused)).toMatchObject({ command })
    expect(of('window-failed', [failedMonth('2025-05')], paused)?.command).toMatch(/retry/)
    // What asks the service for nothing is no matter of the pause.
    const gap = [failedMonth('2025-05', { lane: 'backfill', kind: 'out-of-range' })]
    expect(of('window-failed', gap, paused)?.command).toMatch(/accept-gap/)
  })
})

test('a window that is older than its feed keeps, and not yet removed, needs nobody to ask for it', () => {
  const others = [1, 2, 3, 4, 5, 6].map((at) => landed(`2025-0${at}`, 100))
  const { from, to } = month('2025-07')
  const emptiedIn = { Units: { from: from.toISOString(), to: to.toISOString() } }
  const kindsOf = (entry: LedgerEntry, keep: string | undefined) =>
    toDoOf([...others, entry, landed('2025-08', 100)], { ...rowOf({ keep }), emptiedIn }).map(({ kind }) => kind)
  const found = [
    ['window-halved', landed('2025-07', 10)],
    ['window-empty', landed('2025-07', 0)],
    ['outdated', landed('2025-07', 100, { rowSet: 'another question' })],
    ['column-empty', landed('2025-07', 100, { emptyColumns: ['Units'] })],
  ] as const
  for (const [kind, entry] of found) {
    expect(kindsOf(entry, undefined)).toContain(kind)
    expect(kindsOf(entry, 'P1M')).not.toContain(kind)
  }
})

test('problems are the windows that somebody waits for: no accepted gap, and nothing older than the feed keeps', () => {
  const entries = [failedMonth('2025-05', { kind: 'out-of-range' })]
  expect(see(entries).status.problems).toHaveLength(1)
  expect(see(entries, { ...rowOf(), acceptedGaps: [windowId(MAY)] }).status.problems).toEqual([])
  expect(see(entries, rowOf({ keep: 'P1M' })).status.problems).toEqual([])
})

test('a sentence ends without a full stop and a remedy with one: they are put together in a line', () => {
  const blocked = { kind: 'query-refused', message: 'no', at: NOW.toISOString() } as const
  const found = [
    silentTimer('sweep', { everySeconds: 60, finishedAt: NOW, silentSince: NOW }),
    ...toDoOf([failedMonth('2025-05'), landed('2025-01', 9, { rowSet: 'another question' })]),
    ...toDoOf([landed('2025-05', 9)], { ...rowOf(), blocked, offerDrift: ['the dataset has no column Units'] }),
  ]
  expect(new Set(found.map(({ kind }) => kind))).toEqual(
    new Set(['timer-silent', 'window-failed', 'feed-stale', 'outdated', 'feed-blocked', 'column-gone']),
  )
  for (const { sentence, remedy } of found)
    expect([sentence.at(-1), remedy.at(-1)]).toEqual([expect.not.stringMatching(/\./), '.'])
})

test('one outdated window is one, and several are several', () => {
  const old = (text: string) => landed(text, 9, { rowSet: 'another question' })
  const sentences = (entries: readonly LedgerEntry[]) =>
    toDoOf(entries).flatMap(({ kind, sentence }) => (kind === 'outdated' ? [sentence] : []))
  const told = (windows: string, rows: number) =>
    `azure-usage asks for other rows now: ${windows} outdated; the rows stay (${rows}), but do not count as complete`
  expect(sentences([old('2025-01')])).toEqual([told('1 window is', 9)])
  expect(sentences([old('2025-01'), old('2025-02')])).toEqual([told('2 windows are', 18)])
})

test('a blocked feed has its block to end first: no window is asked for again until then', () => {
  const blocked = { kind: 'query-refused', message: 'no', at: NOW.toISOString() } as const
  const entries = [landed('2025-01', 9, { rowSet: 'another question' })]
  expect(toDoOf(entries, { ...rowOf(), blocked }).map(({ kind }) => kind)).toEqual(['feed-blocked'])
})

test('a row outside its window is the fault of a query that a person wrote, and of the service where the app made it', () => {
  const blocked = { kind: 'outside-window', message: 'no', at: NOW.toISOString() } as const
  const of = (composed: object) => {
    const query = { queryId: 'q', hash: 'h', ours: true, ...composed }
    const { command = '', remedy = '' } = toDoOf([], { ...rowOf(), blocked, query })[0] ?? {}
    return [command, remedy.includes('Take TIMESPAN out')]
  }
  expect(of({})).toEqual([`${OURS} feeds push`, true])
  expect(of({ composed: true })).toEqual([`${OURS} unblock azure-usage`, false])
})

test('outdated windows are told where the command asks for one of them, by the number of all that it names', () => {
  const row = rowOf({ keep: 'P9M' })
  const old = (text: string) => landed(text, 9, { rowSet: 'another question' }, row)
  const failing = toFailed(old('2025-05'), failed('malformed', 'no'), NOW)
  const planned = toPlanned(old('2025-06'), 'retry', NOW, 0)
  const [passed, unsettled] = [old('2025-01'), { ...old('2025-12'), refreshAt: NOW }]
  const of = (entries: readonly LedgerEntry[]) => {
    const { status, toDo } = see(entries, row)
    const left = entries.map((entry) => setBack('outdated', row, entry, NOW)).filter((each) => each !== undefined)
    expect(left).toHaveLength(status.outdated)
    return toDo.find(({ kind }) => kind === 'outdated')?.sentence
  }
  expect(of([passed, planned, unsettled])).toBeUndefined()
  expect(of([passed, failing, planned, unsettled])).toContain(': 4 windows are outdated;')
})

test('outdated windows that the service may not have any more need nobody: the command would leave them all', () => {
  const old = (text: string, more: Partial<Figures> = {}) => landed(text, 9, { rowSet: 'another question', ...more })
  const of = (entries: readonly LedgerEntry[], ranges?: readonly string[]) => {
    const { status, toDo } = see(entries, { ...rowOf(), ...(ranges && { ranges }) })
    expect(status.outdated).toBe(entries.length)
    return toDo.find(({ kind }) => kind === 'outdated')?.sentence
  }
  const file = { origin: 'import' } as const
  expect(of([old('2025-01'), old('2025-05')], ['LAST_3_MONTHS'])).toBeUndefined()
  expect(of([old('2025-01', file)], ['LAST_3_MONTHS'])).toBeUndefined()
  expect(of([old('2025-01', file)])).toBeUndefined()
  expect(of([old('2025-01'), old('2025-10')], ['LAST_3_MONTHS'])).toContain(': 2 windows are outdated;')
  expect(of([old('2025-05', file)], ['LAST_1_YEAR'])).toContain(': 1 window is outdated;')
})

test('a feed says that its old rows are being removed, and that a clock ahead saw it first', () => {
  const purged = { ...rowOf({ enabled: false }), purgedAt: NOW.toISOString() }
  expect(see([], purged).status).toMatchObject({ removedSince: NOW })
  expect(whyAsksNothing(purged)).toMatch(/its old rows are still being removed/)
  const ahead = { ...rowOf(), since: new Date(NOW.getTime() + 3_600_000).toISOString() }
  expect(see([], ahead).status).toMatchObject({ firstSeenAhead: true })
  expect(see([]).status).not.toHaveProperty('firstSeenAhead')
})

test('a purge that was ended in the middle is to be repeated', () => {
  const row = { ...rowOf({ enabled: false }), purgedAt: NOW.toISOString() }
  expect(toDoOf([landed('2025-05', 9), failedMonth('2025-06')], row)).toMatchObject([
    { kind: 'purge-unfinished', command: `${OURS} purge --feed azure-usage`, since: NOW },
  ])
  expect(toDoOf([], row)).toEqual([])
})

test('a window that is being landed has no command, and one that waits for its report can be forgotten', () => {
  const { window, ...shared } = landed('2025-05', 9)
  const open = { ...shared, window, reportName: 'r', queryId: 'q', reportId: 'i', requestedAt: NOW, deadline: NOW }
  const commandsOf = (state: 'landing' | 'requested') =>
    windowDetail(NOW, '1', { ...open, phase: 'check', state } as unknown as LedgerEntry, rowOf()).commands
  expect(commandsOf('landing')).toEqual([])
  expect(commandsOf('requested')).toEqual([`${OURS} forget azure-usage --month 2025-05`])
})
