import { expect } from 'vitest'
import type { Landed, LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { generationAt } from '../../src/core/report/generation.ts'
import { windowId } from '../../src/core/time/window.ts'
import type { StoredRow } from '../memory/store.ts'
import { type History, MAX_TRIES } from './history.ts'
import type { Asked } from './insights.ts'
import type { Played } from './play.ts'

/** What must be true after every history. */
export async function checkLaws(history: History, played: Played): Promise<void> {
  oneRequestPerAttempt(played)
  adoptedAsItself(played)
  if (history.unlisted === 0) nothingTwiceWhereListed(played)
  const rows = new Map<string, readonly StoredRow[]>()
  for (const { feed } of played.entries) rows.set(feed, await played.rows(tableOf(feed)))
  let counted = 0
  for (const entry of played.entries) {
    const prefix = `${windowId(entry.window).slice(0, 8)}_`
    const own = (rows.get(entry.feed) ?? []).filter(({ PartitionKey }) => String(PartitionKey).startsWith(prefix))
    counted += own.length
    if (entry.state === 'landed') landedOnce(entry, own, played)
    if (entry.state === 'landed' && !history.deleteReports) keptAtTheService(entry, played)
    if (entry.state !== 'landed') failedForGood(entry, own, history, played)
  }
  expect(counted, 'rows outside of every window').toBe([...rows.values()].flat().length)
}

const tableOf = (feed: string) => `${feed[0]?.toUpperCase()}${feed.slice(1)}`

const nameOf = ({ feed, window, attempt }: Asked) => `${feed} ${window} ${attempt}`

/** The service is asked once for each attempt, under a name that no other attempt has. */
function oneRequestPerAttempt({ asked }: Played): void {
  const names = asked.map(nameOf)
  expect(names, 'an attempt was asked for twice').toEqual([...new Set(names)])
  expect(new Set(asked.map(({ request }) => request.reportName)).size, 'two attempts have one name').toBe(names.length)
}

/** An entry only ever names the report that was made for its own attempt. */
function adoptedAsItself({ asked, requested }: Played): void {
  for (const { feed, window, attempt, reportId } of requested) {
    const made = asked.find((each) => each.reportId === reportId)
    expect(made && nameOf(made), 'an entry names the report of another').toBe(`${feed} ${windowId(window)} ${attempt}`)
  }
}

/** Every report that was made belongs to an entry, unless the service deleted it. Another report only follows a bad one. */
function nothingTwiceWhereListed({ asked, requested, entries }: Played): void {
  const known = new Set(requested.map(({ reportId }) => reportId))
  for (const each of asked.filter(({ reportId, fate }) => reportId && fate.removedAfter === undefined)) {
    expect(known.has(each.reportId ?? ''), `the report of ${nameOf(each)} was made and never adopted`).toBe(true)
    if (each.fate.report === 'stuck') continue
    const entry = entries.find(({ feed, window }) => feed === each.feed && windowId(window) === each.window)
    expect(entry?.attempt, `${nameOf(each)} had a report and was doubled`).toBe(each.attempt)
  }
}

/** A window lands once: its rows are those of one report, each once, and the entry says which and how many. */
function landedOnce(entry: Landed, rows: readonly StoredRow[], played: Played): void {
  const { feed, window, figures } = entry
  const id = windowId(window)
  const made = played.asked.find(({ reportId }) => reportId === figures.reportId)
  expect(made && nameOf(made), 'figures name the report of another').toBe(`${feed} ${id} ${figures.attempt}`)
  expect(made?.fate.report, `${feed} ${id} landed from a report that cannot land`).toBe('good')
  const generations = rows.map(({ PartitionKey }) => generationAt(String(PartitionKey))?.generation)
  expect(new Set([...generations, figures.generation])).toEqual(new Set([figures.generation]))
  expect(rows.map(({ CustomerName }) => CustomerName).sort()).toEqual(made?.customers)
  expect(new Set(rows.map(({ _attempt, _reportId }) => `${_attempt} ${_reportId}`))).toEqual(
    new Set([`${figures.attempt} ${figures.reportId}`]),
  )
  expect([figures.rowsRead, figures.rowsLanded, figures.rowsRejected]).toEqual([rows.length, rows.length, 0])
  const landings = played.events.filter(
    (each) => each.event === 'window.landed' && each.feed === feed && each.window === id,
  )
  expect(
    landings.map(({ attempt }) => attempt),
    `landings of ${feed} ${id}`,
  ).toEqual([figures.attempt])
}

/** No instance of ours deletes a report that DELETE_REPORTS keeps. */
function keptAtTheService({ figures }: Landed, { asked, standing }: Played): void {
  const made = asked.find(({ reportId }) => reportId === figures.reportId)
  const isKept = standing.has(figures.reportId) || made?.fate.removedAfter !== undefined
  expect(isKept, `the report that ${made && nameOf(made)} landed from was deleted`).toBe(true)
}

/** A failed window has no rows. It failed because the file of its report cannot land, or because no request succeeded. */
function failedForGood(
  entry: LedgerEntry,
  rows: readonly StoredRow[],
  history: History,
  { asked, requested }: Played,
): void {
  const id = windowId(entry.window)
  const own = asked.filter(({ feed, window }) => feed === entry.feed && window === id)
  expect([entry.state, rows, entry.figures]).toEqual(['failed', [], undefined])
  if (entry.state !== 'failed') return
  if (entry.kind === 'too-many-rejects') {
    expect(own.find(({ attempt }) => attempt === entry.attempt)?.fate.report).toBe('failing')
    return
  }
  expect([history.afterwards !== 'good', entry.tries], `${entry.feed} ${id} failed: ${entry.message}`).toEqual([
    true,
    MAX_TRIES,
  ])
  const known = new Set(requested.map(({ reportId }) => reportId))
  const usable = own.filter(
    ({ reportId, fate }) => known.has(reportId ?? '') && fate.report !== 'stuck' && fate.removedAfter === undefined,
  )
  expect(usable, `${entry.feed} ${id} failed although a report was there`).toEqual([])
}
