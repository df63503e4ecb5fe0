import { TableClient } from '@azure/data-tables'
import { readWindow } from '../../docs/read-window.ts'
import { parseWindowId } from '../../src/core/time/window.ts'
import { type Chances, chancesOf } from './chances.ts'
import type { LongFeed } from './feeds.ts'
import type { Hosts } from './hosts.ts'
import { possibleLandings, readingOf, type Sources, tornBy } from './landings.ts'
import { overlapsIn } from './laws.ts'

/** What a reader saw of all histories: it says whether the history was one worth watching. */
export type Sights = {
  readonly looks: number
  readonly landings: number
  readonly nothing: number
  readonly starts: number
}

export type Watch = {
  readonly connectionString: string
  readonly seed: number
  readonly hosts: Hosts
  readonly sources: Sources
  readonly feeds: () => readonly LongFeed[]
  readonly isOver: () => boolean
}

/** Rows that come at once: a window takes many pages, between which the hosts go on. */
const PAGE = 10

/** The hosts make so many calls between two looks, so that the reader does not read what cannot have changed. */
const CALLS_BETWEEN = 8

/**
 * Looks at the ledger and reads a window by the protocol, again and again until the history is over. Throws at the first
 * moment at which spans overlap, or at which it gets what is no complete landing.
 */
export async function watch({ connectionString, seed, hosts, sources, feeds, isOver }: Watch): Promise<Sights> {
  const ledger = openTable(connectionString, 'ledger')
  const chances = chancesOf(seed + 1)
  const sights = { looks: 0, landings: 0, nothing: 0, starts: 0 }
  while (!isOver()) {
    const keys = await keysIn(ledger)
    const overlaps = overlapsIn(keys)
    if (overlaps.length > 0) throw new Error(overlaps.join('\n'))
    const key = chosen(chances, keys)
    if (key) sights[await readOne(key)] += 1
    sights.looks += 1
    await hosts.makeCalls(CALLS_BETWEEN)
  }
  return sights

  async function readOne({ feed, id, window }: Key): Promise<'landings' | 'nothing' | 'starts'> {
    const open = (table: string) => openTable(connectionString, table, PAGE)
    const found = await readWindow(ledger, open, { feed, window: id }).catch((error: Error) => {
      if (error.message.includes('landed anew')) return 'starts' as const
      throw error
    })
    if (found === 'starts') return found
    if (!found) return 'nothing'
    const { columns, windows } = feeds().find(({ name }) => name === feed) ?? noFeed(feed)
    const reading = readingOf(found.rows, columns)
    const possible = possibleLandings(sources, columns, { feed, id, reportId: reading.reportId })
    const torn = tornBy(reading, possible, windows && window)
    if (torn !== undefined) throw new Error(`a reader of ${feed} ${id} got ${torn}`)
    return 'landings'
  }
}

type Key = {
  readonly feed: string
  readonly id: string
  readonly window: { from: Date; to: Date }
  readonly state: string
}

/** The keys and states of all entries. The table may not be there yet. */
async function keysIn(ledger: TableClient): Promise<readonly Key[]> {
  const found: Key[] = []
  const rows = ledger.listEntities<{ state?: string }>({
    queryOptions: { select: ['PartitionKey', 'RowKey', 'state'] },
  })
  try {
    for await (const { partitionKey: feed = '', rowKey: id = '', state = '' } of rows) {
      const window = parseWindowId(id)
      if (window) found.push({ feed, id, window, state })
    }
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error
  }
  return found
}

/** Half of the time a window at which something happens. */
function chosen(chances: Chances, keys: readonly Key[]): Key | undefined {
  const busy = keys.filter(({ state }) => state !== 'landed')
  const among = chances(2) === 0 && busy.length > 0 ? busy : keys
  return among.length > 0 ? among[chances(among.length)] : undefined
}

/** With `page`, lists so many rows at once; `readWindow` itself asks for as many as come. */
function openTable(connectionString: string, name: string, page?: number): TableClient {
  const options = { allowInsecureConnection: true }
  if (page === undefined) return TableClient.fromConnectionString(connectionString, name, options)
  return TableClient.fromConnectionString(connectionString, name, {
    ...options,
    additionalPolicies: [
      {
        position: 'perCall',
        policy: {
          name: 'smallPages',
          sendRequest(request, next) {
            request.url += `${request.url.includes('?') ? '&' : '?'}$top=${page}`
            return next(request)
          },
        },
      },
    ],
  })
}

function noFeed(name: string): never {
  throw new Error(`there is no feed ${name}`)
}
