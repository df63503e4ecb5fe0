import { type Failure, isFailure } from '../failures.ts'
import { type Generation, generationAt, keyRange, type Place } from '../report/generation.ts'
import { HOUR_MS, MINUTE_MS } from '../time/durations.ts'
import { parseWindowId, type WindowId, windowId } from '../time/window.ts'
import {
  type Codec,
  type Codecs,
  count,
  instant,
  json,
  object,
  optional,
  readFields,
  readStored,
  text,
  unfit,
  writeFields,
} from './codec.ts'
import type { EntryKey, LedgerEntry } from './ledger.ts'
import { generation, type LedgerRow } from './ledger-row.ts'
import { publishedName } from './published-file.ts'

/**
 * Rows that no reader sees any more and that are still to be deleted. It is written by the transaction that lets go of
 * them, or by the audit that finds them, and is the only thing known of the deletion.
 */
export type Drop = Place & {
  readonly feed: string
  readonly table: string
  /** When the sweep looks after it next. */
  readonly wakeAt: Date
  /** When the rows were first seen gone. A request that was under way then may still bring some back. */
  readonly goneAt?: Date
  /** Archives and lists of rejects that go with the rows. */
  readonly blobs?: WindowBlobs
  /** The name of the window's published file, where the rows were also written to one. */
  readonly file?: string
}

/**
 * The archives and lists of rejects of a window's attempts up to one: those that its entry does not name go. `except`: an
 * archive that stays, whatever the entry names by then.
 */
export type WindowBlobs = { readonly window: WindowId; readonly upTo: number; readonly except?: string }

/** A drop that somebody works on is looked after by nobody else for this long. */
const WAKE_AFTER_MS = 15 * MINUTE_MS

/** Longer than any request to the storage can be under way: then the rows are looked for once more. */
const SECOND_LOOK_MS = HOUR_MS

/**
 * The drops of the generations that `before` names and `after` no longer does. `table` is the feed's, where a landing
 * writes.
 */
export function letGo(before: LedgerEntry, after: LedgerEntry, table: string, now: Date): readonly Drop[] {
  const named = generationsOf(after)
  return letGoOfAll(before, table, now).filter(({ generation }) => !named.includes(generation))
}

/** The drops of all generations that an entry names: it is removed. */
export function letGoOfAll(entry: LedgerEntry, table: string, now: Date): readonly Drop[] {
  const { feed, window, figures } = entry
  return generationsOf(entry).map((each) => {
    const published = each === figures?.generation ? figures : undefined
    const own = published?.table ?? table
    const hasFile = published ? published.file !== undefined : isWritingFile(entry)
    const place = { generation: each, table: own, ...keyRange(window, each) }
    return { feed, ...place, wakeAt: now, ...(hasFile && { file: publishedName(own, window) }) }
  })
}

/** The drop of files alone, which no rows go with: its generation has none and is named nowhere else. */
export function dropOfBlobs(
  { feed, window }: EntryKey,
  files: Omit<WindowBlobs, 'window'>,
  { table, fresh, now }: { readonly table: string; readonly fresh: Generation; readonly now: Date },
): Drop {
  const place = { generation: fresh, ...keyRange(window, fresh) }
  return { feed, ...place, table, wakeAt: now, blobs: { window: windowId(window), ...files } }
}

/** The drops of an entry whose files go with its rows. */
export function withBlobs(drops: readonly Drop[], { window, attempt }: LedgerEntry): readonly Drop[] {
  const blobs = { window: windowId(window), upTo: attempt }
  return drops.map((drop, nth) => (nth === 0 ? { ...drop, blobs } : drop))
}

/** Whether rows are published or being landed: an entry names their generation, or cannot be read and may do so. */
export function isNamed(dropped: Generation, entries: readonly (LedgerEntry | Failure)[]): boolean {
  return entries.some((entry) => isFailure(entry) || generationsOf(entry).includes(dropped))
}

const isWritingFile = (entry: LedgerEntry) => entry.state === 'landing' && entry.phase === 'file'

/** The generations that an entry names: the published one, and the one that is being landed. */
function generationsOf(entry: LedgerEntry): readonly Generation[] {
  const published = entry.figures && !entry.figures.removedAt ? [entry.figures.generation] : []
  return entry.state === 'landing' ? [...published, entry.generation] : published
}

/** The drop is being worked on: nobody else needs to look after it for a while. */
export function withLaterWake(drop: Drop, now: Date): Drop {
  return { ...drop, wakeAt: new Date(now.getTime() + WAKE_AFTER_MS) }
}

/** No row is left. Undefined: that was the second look, and the drop is over. */
export function withRowsGone(drop: Drop, now: Date): Drop | undefined {
  if (drop.goneAt && now.getTime() >= drop.goneAt.getTime() + SECOND_LOOK_MS) return undefined
  const goneAt = drop.goneAt ?? now
  return { ...drop, goneAt, wakeAt: new Date(goneAt.getTime() + SECOND_LOOK_MS) }
}

/** What the keys of all drops begin with; they come after the keys of all entries. */
export const DROPS = '~drop_'

export const dropKey = (dropped: Generation): string => `${DROPS}${dropped}`

const windowCodec: Codec<WindowId> = {
  write: (value) => value,
  read(stored) {
    const window = parseWindowId(text.read(stored))
    return window ? windowId(window) : unfit('a window')
  },
}

const FIELDS: Codecs<Omit<Drop, 'feed'>> = {
  generation,
  table: text,
  keyFrom: text,
  keyTo: text,
  wakeAt: instant,
  goneAt: optional(instant),
  file: optional(text),
  blobs: optional(json(object<WindowBlobs>({ window: windowCodec, upTo: count, except: optional(text) }))),
}

/** Gives the stored form of a drop, without its keys. */
export function toDropRow(drop: Drop): LedgerRow {
  return writeFields<Omit<Drop, 'feed'>>(FIELDS, drop) as LedgerRow
}

/** Reads a stored drop; anything that does not fit is a failure, never a guess. */
export function fromDropRow(feed: string, key: string, row: Readonly<Record<string, unknown>>): Drop | Failure {
  return readStored(`ledger row ${feed} ${key}`, () => {
    const drop = { feed, ...readFields(FIELDS, row) }
    const place = generationAt(`${drop.keyFrom}000`)
    const isWhole = place?.generation === drop.generation && place.keyTo === drop.keyTo
    return isWhole && dropKey(drop.generation) === key ? drop : unfit('the drop that its key names')
  })
}
