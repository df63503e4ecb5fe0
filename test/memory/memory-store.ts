import type { IngestMessage } from '../../src/services/storage/work-queue.ts'
import type { Taken } from '../setup/queue.ts'
import { emptyArchive, openMemoryArchive } from './memory-archive.ts'
import { emptyLedger, openMemoryLedger } from './memory-ledger.ts'
import { emptyTables, keyOf, openMemoryTable } from './memory-table.ts'
import { byText, type Store } from './store.ts'

/** A message that was taken is visible again after so many milliseconds, as host.json says. */
const INVISIBLE = 60_000

export type MemoryOptions = {
  readonly clock: () => Date
  /** Bytes of one block and rows of one page. By default the service's own sizes; smaller ones make more calls. */
  readonly block?: number
  readonly page?: number
}

type Message = { readonly text: string; seenAt: number }

/** A storage account in memory, for laws over many histories. `contract.test.ts` compares it with Azurite. */
export function createMemoryStore({ clock, block = 4 * 1024 * 1024, page = 1000 }: MemoryOptions): Store {
  const ledger = emptyLedger()
  const archive = emptyArchive(block)
  const tables = emptyTables(page)
  const messages = new Set<Message>()
  const send = async (message: IngestMessage, delaySeconds: number) => {
    messages.add({ text: JSON.stringify({ ingest: message }), seenAt: clock().getTime() + delaySeconds * 1000 })
  }
  return {
    open: (pass) => ({
      ledger: openMemoryLedger(ledger, pass),
      archive: openMemoryArchive(archive, pass),
      queue: { send: (message, delay = 0) => pass('queue.send', () => send(message, delay)) },
      landingTable: (name) => openMemoryTable(tables, name, pass),
    }),
    async rows(name) {
      const rows = [...(tables.tables.get(name)?.values() ?? [])].sort(byText(keyOf))
      return rows.map(({ json }) => JSON.parse(json))
    },
    blobs: async () => [...archive.blobs.values()].sort(byText(({ name }) => name)),
    receive: async () => take(messages, clock().getTime()),
  }
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
