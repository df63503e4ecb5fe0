import type { Failure } from '../../core/failures.ts'
import type { Drop } from '../../core/ledger/drop.ts'
import type { FeedOutline, FeedRow } from '../../core/ledger/feed-row.ts'
import type { EntryKey, LedgerEntry } from '../../core/ledger/ledger.ts'
import type { PlanRow } from '../../core/ledger/plan-row.ts'
import type { Generation } from '../../core/report/generation.ts'
import type { Window, WindowId } from '../../core/time/window.ts'

/** A stored value with the ETag under which it may be changed. */
export type Stored<T> = { readonly value: T; readonly etag: string }

/** What is written with an entry in one transaction, all or none. */
export type WrittenWith = {
  /** What the entry no longer names. */
  readonly drops?: readonly Drop[]
  /** The plan row of the feed as it is from now on, which replaces the one read under the ETag. */
  readonly plan?: Stored<PlanRow>
}

/** Which entries a timer looks at: `provision` those that are planned, `sweep` all others, and what is owed. */
export type Timer = 'provision' | 'sweep'

/** What is due of a feed; a row that cannot be read is a failure. */
export type DueRows = {
  /** Absent for the sweep, and where the row is missing. */
  readonly plan?: Stored<PlanRow | Failure>
  readonly entries: readonly (Stored<LedgerEntry> | Failure)[]
  readonly drops: readonly (Stored<Drop> | Failure)[]
}

/** One entry as an audit sees it. `window` is that of its key, also where the rest cannot be read. */
export type Scanned = {
  readonly value: LedgerEntry | Failure
  readonly etag: string
  readonly window?: Window
  readonly wakeAt?: Date
}

/** All `_app` rows, read at once. */
export type AppRows = {
  /** By the name of the feed. */
  readonly feeds: ReadonlyMap<string, Stored<FeedOutline> | Failure>
  /** The row of a key; its value is undefined where it is no JSON. */
  get(key: string): Stored<unknown> | undefined
}

/**
 * The ledger. Every change is conditional, so that one of two writers at the same time gets nothing and reads again. A
 * text may be longer than a property of Table Storage can be, as long as the whole row stays below 1 MiB.
 */
export type Ledger = {
  create(): Promise<void>
  read(feed: string, window: WindowId): Promise<Stored<LedgerEntry> | Failure | undefined>
  /** All entries of a feed, in the order of their windows, page by page. */
  scan(feed: string): AsyncIterable<Scanned>
  /** All entries of a feed, in the order of their windows. */
  entries(feed: string): Promise<readonly (LedgerEntry | Failure)[]>
  /**
   * All entries of a feed as `scan` gives them, but without what says nothing of how it stands with a window, such as their
   * history: in few requests, to be looked at and never written.
   */
  overview(feed: string): AsyncIterable<Pick<Scanned, 'value' | 'window'>>
  /** The entries of windows that begin on a day, `20250301`: one as a rule. */
  entriesOn(feed: string, day: string): Promise<readonly (LedgerEntry | Failure)[]>
  /**
   * What a timer has to look at now: what it reads does not grow with what is at rest. With `pausedBefore`, planned history of
   * windows that begin earlier is left out, unless it is planned as a refresh.
   */
  due(feed: string, timer: Timer, now: Date, pausedBefore?: Date): Promise<DueRows>
  /** Adds an entry, or replaces the one read under `etag`; undefined where somebody else wrote it or the plan meanwhile. */
  write<E extends LedgerEntry>(
    entry: E,
    etag: string | undefined,
    others?: WrittenWith,
  ): Promise<WrittenEntry<E> | undefined>
  /** Removes the entry read under `etag`; false where somebody else changed or removed it meanwhile. */
  remove(key: EntryKey, etag: string): Promise<boolean>
  readPlan(feed: string): Promise<Stored<PlanRow | Failure> | undefined>
  /** Writes a plan row as `write` does an entry. */
  writePlan(plan: PlanRow, etag: string | undefined): Promise<Stored<PlanRow> | undefined>
  /** Removes a plan row as `remove` does an entry. */
  removePlan(feed: string, etag: string): Promise<boolean>
  /** What of a feed's rows is still to be deleted. */
  drops(feed: string): Promise<readonly (Stored<Drop> | Failure)[]>
  readDrop(feed: string, generation: Generation): Promise<Stored<Drop> | Failure | undefined>
  /** Adds a drop, or replaces the one read under `etag`; undefined where somebody else added, changed or ended it. */
  writeDrop(drop: Drop, etag: string | undefined): Promise<Stored<Drop> | undefined>
  /** Ends a drop, unless somebody else changed it meanwhile. */
  endDrop(drop: Stored<Drop>): Promise<void>
  readFeed(name: string): Promise<Stored<FeedRow> | Failure | undefined>
  /** Writes the row of a feed as `write` does an entry. */
  writeFeed(row: FeedRow, etag: string | undefined): Promise<Stored<FeedRow> | undefined>
  /** The rows of all feeds that the app has seen. */
  feeds(): Promise<readonly (FeedRow | Failure)[]>
  /** Reads an app row; its value is what was stored as JSON. */
  readApp<T>(key: string): Promise<Stored<T> | undefined>
  /** Writes an app row as `write` does an entry. */
  writeApp<T extends object>(key: string, value: T, etag: string | undefined): Promise<Stored<T> | undefined>
  /** Removes an app row, or the row of a feed, as `remove` does an entry. */
  removeApp(key: string, etag: string): Promise<boolean>
  /** Reads all app rows in one request, of feeds the outlines alone; for a timer without those that it has no use for. */
  appRows(timer?: Timer): Promise<AppRows>
}

/** An entry that was written, and the plan row that was written with it. */
export type WrittenEntry<E extends LedgerEntry> = Stored<E> & { readonly plan?: Stored<PlanRow> }

/** Gives when a timer looks at an entry next. */
export type Wake = (entry: LedgerEntry) => Date
