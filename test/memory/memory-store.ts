import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import type { LedgerRow } from '../../src/core/ledger/ledger-row.ts'
import { wakeAt } from '../../src/core/ledger/wake.ts'
import type { Window } from '../../src/core/time/window.ts'
import type { Wake } from '../../src/services/storage/ledger.ts'
import type { Taken } from '../setup/queue.ts'
import { testSettings } from '../setup/settings.ts'
import { type ArchiveState, emptyArchive, openMemoryArchive } from './memory-archive.ts'
import { copyOfFiles, emptyFiles, type FilesState, openMemoryFiles } from './memory-files.ts'
import {
  emptyLedger,
  entriesOf,
  type LedgerState,
  openMemoryLedger,
  removeEntry,
  rowsOf,
  windowsOf,
} from './memory-ledger.ts'
import { emptyTables, keyOf, openMemoryTable, type TableRow, type TablesState } from './memory-table.ts'
import { byText, type Pass, type Store, type StoredBlob, type StoreServices } from './store.ts'

/** A message that was taken is visible again after so many milliseconds, as host.json says. */
const INVISIBLE = 60_000

export type MemoryOptions = {
  readonly clock: () => Date
  /** Bytes of one block, rows of one page and values of one row group. By default the service's own sizes; smaller ones make more calls. */
  readonly block?: number
  readonly page?: number
  readonly group?: number
}

/** Which decide when a timer looks at an entry next. */
const SETTINGS = testSettings()

type Message = { readonly text: string; seenAt: number }

/** One whose content can be looked at between two calls. */
export type MemoryStore = Store & {
  /** `wake`: as the instance itself decides it, whose clock may be wrong. */
  open(pass: Pass, wake?: Wake): StoreServices
  /** The rows of a landing table as they stand now, in the order of their keys. */
  look(table: string): readonly TableRow[]
  /** The entries of a feed as they stand now. */
  lookAtEntries(feed: string): readonly LedgerEntry[]
  /** The entries of a feed as they are stored now, unread. */
  lookAtRows(feed: string): readonly { readonly key: string; readonly value: LedgerRow }[]
  /** The windows of a feed that have an entry as they stand now, whatever the entry says. */
  lookAtWindows(feed: string): readonly Window[]
  /** The files of the container `published` as they stand now, by their names. */
  lookAtFiles(): ReadonlyMap<string, StoredBlob>
  /** Deletes an entry as a person does by hand. */
  removeEntry(feed: string, window: Window): void
  /** The same account once more, which from now on goes its own way and by its own clock. */
  copy(clock: () => Date): MemoryStore
}

/** A storage account in memory, for laws over many histories; `contract.test.ts` holds it to what Azurite does. */
export function createMemoryStore({
  clock,
  block = 4 * 1024 * 1024,
  page = 1000,
  group = 400_000,
}: MemoryOptions): MemoryStore {
  return storeOf(clock, {
    ledger: emptyLedger(),
    archive: emptyArchive(block),
    files: emptyFiles(group),
    tables: emptyTables(page),
    messages: new Set(),
  })
}

type State = {
  readonly ledger: LedgerState
  readonly archive: ArchiveState
  readonly files: FilesState
  readonly tables: TablesState
  readonly messages: Set<Message>
}

function storeOf(clock: () => Date, state: State): MemoryStore {
  const { ledger, archive, files, tables, messages } = state
  const put = async (content: object, delaySeconds = 0) => {
    messages.add({ text: JSON.stringify(content), seenAt: clock().getTime() + delaySeconds * 1000 })
  }
  const look = (name: string) => [...(tables.tables.get(name)?.values() ?? [])].sort(byText(keyOf))
  return {
    look,
    lookAtEntries: (feed) => entriesOf(ledger, feed),
    lookAtRows: (feed) => rowsOf(ledger, feed),
    lookAtWindows: (feed) => windowsOf(ledger, feed),
    lookAtFiles: () => files,
    removeEntry: (feed, window) => removeEntry(ledger, feed, window),
    copy: (own) => storeOf(own, copyOf(state)),
    open: (pass: Pass, wake: Wake = (entry) => wakeAt(entry, clock(), SETTINGS)) => ({
      ledger: openMemoryLedger(ledger, pass, wake),
      archive: openMemoryArchive(archive, pass),
      publishedFiles: openMemoryFiles(files, pass, clock),
      queue: {
        send: (ingest, delay) => pass('queue.send', () => put({ ingest }, delay)),
        sendDrop: (drop) => pass('queue.send', () => put({ drop })),
        oldest: async () => undefined,
        look: async () => ({ messages: messages.size, poisoned: 0 }),
      },
      landingTable: (name) => openMemoryTable(tables, name, pass),
    }),
    rows: async (name) => look(name).map(({ json }) => JSON.parse(json)),
    files: async () => [...files.values()].sort(byText(({ name }) => name)),
    blobs: async () => [...archive.blobs.values()].sort(byText(({ name }) => name)),
    receive: async () => take(messages, clock().getTime()),
  }
}

/** Rows and blobs are never changed in place; a message is. */
function copyOf({ ledger, archive, files, tables, messages }: State): State {
  return {
    ledger: { ...ledger, partitions: ledger.partitions && copyOfMaps(ledger.partitions) },
    archive: { ...archive, blobs: new Map(archive.blobs) },
    files: copyOfFiles(files),
    tables: { ...tables, tables: copyOfMaps(tables.tables) },
    messages: new Set([...messages].map((message) => ({ ...message }))),
  }
}

function copyOfMaps<T>(maps: ReadonlyMap<string, ReadonlyMap<string, T>>): Map<string, Map<string, T>> {
  return new Map([...maps].map(([name, map]) => [name, new Map(map)]))
}

function take(messages: Set<Message>, now: number): Taken | undefined {
  const message = [...messages].find(({ seenAt }) => seenAt <= now)
  if (!message) return undefined
  message.seenAt = now + INVISIBLE
  return {
    body: JSON.parse(message.text),
    complete: async () => void messages.delete(message),
  }
}
