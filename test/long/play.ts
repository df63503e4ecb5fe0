import { writeFeedsText } from '../../cli/pushed-feeds.ts'
import { openApp } from '../../src/app/app.ts'
import type { CatalogType } from '../../src/core/catalog.ts'
import { GRAIN } from '../../src/core/time/calendar.ts'
import { addDuration, type Duration } from '../../src/core/time/durations.ts'
import { type Window, windowId } from '../../src/core/time/window.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import type { Services } from '../../src/steps/services.ts'
import type { TypedColumn } from '../pipeline/typed-cells.ts'
import type { Site } from '../setup/host-process.ts'
import { testSettings } from '../setup/settings.ts'
import { storageOf } from '../setup/storage.ts'
import { changed, feedsText, type LongFeed } from './feeds.ts'
import type { Act, Event, Import } from './history.ts'
import type { Hosts } from './hosts.ts'
import type { ImportedFile } from './landings.ts'
import { entriesIn } from './laws.ts'

/** What a history is played on. */
export type Stage = { readonly site: Site; readonly hosts: Hosts; readonly connectionString: string }

/** A history that is being played. */
export type Played = {
  /** The feeds as feeds.json has them now. */
  feeds(): readonly LongFeed[]
  /** Every file that was given to the app so far, also where it was refused. */
  readonly files: readonly ImportedFile[]
  /** How often each act was done; `refused` counts what the app did not take. */
  readonly tally: Readonly<Record<Act['act'] | 'refused', number>>
  /** Resolves when all events have happened and every import has been taken or refused. */
  readonly end: Promise<void>
}

/** The same with what only the events change. */
type Playing = Stage & {
  readonly services: Services
  feeds: readonly LongFeed[]
  readonly files: ImportedFile[]
  readonly imports: Promise<void>[]
  readonly tally: Record<Act['act'] | 'refused', number>
}

/** Plays a history on hosts that run. Time is what they do: each event waits for its number of their calls. */
export function play(stage: Stage, history: readonly Event[], feeds: readonly LongFeed[]): Played {
  const settings = testSettings({ DataStorage: stage.connectionString, DEPLOYMENT_ID: 'local' })
  const services = openApp(settings, '')(() => undefined)
  const tally = { kill: 0, change: 0, import: 0, restate: 0, replay: 0, refused: 0 }
  const playing: Playing = { ...stage, services, feeds, files: [], imports: [], tally }
  const { files } = playing
  return { feeds: () => playing.feeds, files, tally, end: playAll(playing, history) }
}

async function playAll(playing: Playing, history: readonly Event[]): Promise<void> {
  for (const event of history) {
    await playing.hosts.makeCalls(event.after)
    await carryOut(playing, event)
  }
  await Promise.all(playing.imports)
}

async function carryOut(playing: Playing, event: Event): Promise<void> {
  switch (event.act) {
    case 'kill':
      await playing.hosts.kill(event.host, event)
      break
    case 'change':
      playing.feeds = changed(playing.feeds, event.feed, event.change)
      await pushFeeds(playing)
      break
    case 'import': {
      const taken = importFile(playing, event)
      // It is awaited at the end. Until then a failure of another part of the history may end the test first.
      taken.catch(() => undefined)
      playing.imports.push(taken)
      return
    }
    case 'restate':
      return restate(playing, event)
    case 'replay':
      return count(playing, 'replay', await replayOne(playing, event.feed, event.pick))
    default:
      event satisfies never
  }
  playing.tally[event.act] += 1
}

function count({ tally }: Playing, act: Act['act'], taken: boolean): void {
  tally[taken ? act : 'refused'] += 1
}

/** As `feeds push` does it. */
async function pushFeeds({ connectionString, feeds }: Playing): Promise<void> {
  await writeFeedsText(storageOf(connectionString).container('config'), feedsText(feeds))
}

/** The source restates its numbers, and a person asks for some windows again. */
async function restate(playing: Playing, { feed, rows, picks }: Extract<Act, { act: 'restate' }>): Promise<void> {
  const { dataset } = feedNamed(playing, feed)
  playing.site.simulator.restate({ dataset, rows })
  for (const pick of picks) {
    const window = await picked(playing, feed, pick)
    if (!window) continue
    count(playing, 'restate', !('problem' in (await retry(playing.services, feed, window, false))))
  }
}

async function replayOne(playing: Playing, feed: string, pick: number): Promise<boolean> {
  const window = await picked(playing, feed, pick)
  return window !== undefined && !('problem' in (await replay(playing.services, feed, window)))
}

/** One of the windows of a feed that have landed. */
async function picked({ site }: Playing, feed: string, pick: number): Promise<Window | undefined> {
  const entries = entriesIn(await site.entries()).filter((entry) => entry.feed === feed && entry.row.state === 'landed')
  return entries[pick % Math.max(entries.length, 1)]?.window
}

/** A person brings a file in. The upload takes as long as the hosts need for so many calls. */
async function importFile(playing: Playing, { feed, before, length, held }: Import): Promise<void> {
  const { services, hosts, files } = playing
  const { columns, span } = feedNamed(playing, feed)
  const grain = GRAIN[columns[0].type === 'month' ? 'month' : 'day']
  const starts = Array.from({ length: length + 1 }, (_, index) => nthBefore(span.from, grain, before - index))
  const [from = span.from, to = span.from] = [starts[0], starts.at(-1)]
  const window = { from, to }
  const rows = starts.slice(0, -1).flatMap((start) => importedRows(start, columns, files.length))
  const [header = '', ...lines] = [columns.map(({ name }) => name), ...rows].map((cells) => `${cells.join(',')}\r\n`)
  files.push({ feed, id: windowId(window), rows })
  const bytes = async function* () {
    yield Buffer.from(header)
    await hosts.makeCalls(held)
    yield Buffer.from(lines.join(''))
  }
  const imported = await importReport(services, feed, window, { name: 'import.csv', bytes })
  count(playing, 'import', !('problem' in imported))
}

function nthBefore(from: Date, { months, days, seconds }: Duration, count: number): Date {
  return addDuration(from, { months: months * count, days: days * count, seconds }, -1)
}

/** Rows of a day or month. No two files have the same. */
function importedRows(start: Date, columns: readonly TypedColumn[], serial: number): readonly (readonly string[])[] {
  const texts: Readonly<Record<CatalogType, string>> = {
    date: `${start.toISOString().slice(0, 19)}Z`,
    month: start.toISOString().slice(0, 10),
    guid: '11111111-2222-3333-4444-555555555555',
    integer: '7',
    number: '1.5',
    string: '',
  }
  return [1, 2, 3].map((row) => columns.map(({ type }) => texts[type] || `file ${serial} row ${row}`))
}

function feedNamed({ feeds }: Pick<Playing, 'feeds'>, name: string): LongFeed {
  const feed = feeds.find((each) => each.name === name)
  if (!feed) throw new Error(`there is no feed ${name}`)
  return feed
}
