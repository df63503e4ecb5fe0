import type { TableClient } from '@azure/data-tables'
import type { Drop } from '../src/core/ledger/drop.ts'
import { keyRange } from '../src/core/report/generation.ts'
import type { Stored } from '../src/services/storage/ledger.ts'
import { dropRows } from '../src/steps/landing/drop.ts'
import type { Services } from '../src/steps/services.ts'
import { EMPTY_LEDGER, fileArchive, landByApp, servicesOver } from './landing.ts'
import { GENERATION, RESTATED, WINDOW } from './report.ts'
import type { Prepared } from './writing.ts'

const HOUR_MS = 3_600_000

/** The first look deletes the rows, and the second finds none. */
const LOOKS = 2

/** Lands a report, and prepares to replace it: a landing of its own, and the drop of the rows that it replaces. */
export async function prepareRestatement(path: string, client: TableClient): Promise<Prepared> {
  await landByApp(path, client)
  return async () => {
    const acknowledged = await landByApp(path, client, RESTATED)
    await dropReplaced(path, client)
    return acknowledged
  }
}

/** Works on the drop until it is over, as the sweep does: an hour goes by between two looks. */
async function dropReplaced(path: string, client: TableClient): Promise<void> {
  const feed = 'bench'
  let now = WINDOW.to.getTime()
  const range = keyRange(WINDOW, GENERATION)
  const named = { feed, generation: GENERATION, table: client.tableName }
  let stored: Stored<Drop> | undefined = { value: { ...named, ...range, wakeAt: new Date(now) }, etag: '' }
  const services: Services = {
    ...servicesOver(fileArchive(path), client),
    clock: () => new Date(now),
    ledger: {
      ...EMPTY_LEDGER,
      entriesOn: async () => [],
      readDrop: async () => stored,
      writeDrop: async (value) => {
        stored = { value, etag: '' }
        return stored
      },
      endDrop: async () => {
        stored = undefined
      },
    },
  }
  for (let look = 0; look < LOOKS; look++, now += HOUR_MS) await dropRows(services, feed, GENERATION)
  if (stored) throw new Error('the drop of the replaced rows did not end')
}
