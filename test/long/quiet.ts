import { waitUntil } from '../../local/processes.ts'
import { isOurs } from '../../src/core/ledger/remote-names.ts'
import type { RawRow } from '../pipeline/raw-rows.ts'
import { isAsked, type LongFeed } from './feeds.ts'
import { type Origin, possibleLandings, storedReading, tornBy } from './landings.ts'
import { coverageFaults, type Entry, entriesIn, overlapsIn, strayRows, unfinished } from './laws.ts'
import type { Played, Stage } from './play.ts'

/** What is left of the work of a history, on two busy cores. */
const QUIET_MILLISECONDS = 300_000

/** Waits until the app has come to rest, as it must by itself. Throws with all that is still open. */
export async function quiet(stage: Stage, played: Played): Promise<void> {
  let open: readonly string[] = []
  const isQuiet = async () => {
    await stage.hosts.makeCalls(10)
    open = await unrest(stage, played)
    return open.length === 0
  }
  await waitUntil('everything is at rest', isQuiet, QUIET_MILLISECONDS).catch((error: Error) => {
    throw new Error([error.message, ...open, ...troublesOf(stage)].join('\n'))
  })
}

/** What the laws promise for the time after quiet and what is not so yet. */
async function unrest({ site }: Stage, { feeds, files }: Played): Promise<readonly string[]> {
  const ledger = await site.entries()
  const entries = entriesIn(ledger)
  const named = entries.map(({ row }) => JSON.stringify(row)).join()
  return [
    ...feeds().flatMap((feed) => {
      const own = ofFeed(feed, entries)
      return [...unfinished(feed, own), ...(isAsked(feed) ? coverageFaults(feed, own, files) : [])]
    }),
    ...site.simulator
      .reports()
      .filter(({ reportId }) => named.includes(reportId))
      .map(({ reportName }) => `${reportName} still stands at the service`),
  ]
}

/** Lines of the hosts that say why a window did not land. */
function troublesOf({ hosts }: Stage): readonly string[] {
  return hosts
    .lines()
    .filter((line) => /window\.failed|feed\.blocked|Exception|Error/.test(line))
    .slice(-40)
}

/** Everything that is against the laws after quiet, when no host runs any more. */
export async function settled(stage: Stage, played: Played): Promise<readonly string[]> {
  const { site } = stage
  const ledger = await site.rows('ledger')
  const entries = entriesIn(ledger)
  const faults = [...overlapsIn(entries), ...(await unrest(stage, played)), ...strayReports(stage, played)]
  for (const feed of played.feeds()) {
    const rows = await site.rows(feed.table)
    faults.push(...strayRows(feed.table, rows, ledger))
    for (const entry of ofFeed(feed, entries)) faults.push(...contentFaults(stage, played, feed, entry, rows))
  }
  return faults
}

/** Law: the published rows of a window are those of its report or file, cell for cell, with every type. */
function contentFaults(
  { site }: Stage,
  { files }: Played,
  { windows, columns }: LongFeed,
  { feed, id, window, row }: Entry,
  rows: readonly RawRow[],
): readonly string[] {
  const { keyFrom, keyTo, figures } = row
  if (keyFrom === undefined) return row.state === 'landed' ? [`${feed} ${id} has landed and names no rows`] : []
  const own = rows.filter(({ PartitionKey = '' }) => PartitionKey >= String(keyFrom) && PartitionKey < String(keyTo))
  const reading = storedReading(own, columns)
  const { attempt, reportId } = JSON.parse(String(figures))
  const origin: Origin = { feed, id, reportId }
  const possible = possibleLandings({ simulator: site.simulator, files }, columns, origin)
  const torn = tornBy(reading, possible, windows && window)
  if (torn !== undefined) return [`${feed} ${id} holds ${torn}`]
  return reading.origins.has(`${attempt} ${reportId}`)
    ? []
    : [`${feed} ${id}: rows and figures name different attempts`]
}

/**
 * A death at the wrong moment may leave a report that no entry names. It has our name, so that it is found within two days,
 * and there is at most one for each death.
 */
function strayReports({ site }: Stage, { tally }: Played): readonly string[] {
  const left = site.simulator.reports().map(({ reportName }) => reportName)
  const unknown = left.filter((name) => !isOurs('local', name)).map((name) => `${name} can never be found`)
  return left.length > tally.kill ? [...unknown, `${left.length} reports are left after ${tally.kill} deaths`] : unknown
}

const ofFeed = ({ name }: LongFeed, entries: readonly Entry[]) => entries.filter(({ feed }) => feed === name)
