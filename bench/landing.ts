import { createHash, randomUUID } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import type { TableClient } from '@azure/data-tables'
import { isFailure } from '../src/core/failures.ts'
import type { Feed } from '../src/core/feeds/feed.ts'
import { newFeedRow } from '../src/core/ledger/feed-row.ts'
import type { Figures, Landing } from '../src/core/ledger/ledger.ts'
import type { Generation } from '../src/core/report/generation.ts'
import type { Archive } from '../src/services/storage/archive.ts'
import { RANGE } from '../src/services/storage/blocks.ts'
import { storageClients } from '../src/services/storage/clients.ts'
import { openLandingTable } from '../src/services/storage/landing-table.ts'
import type { Ledger } from '../src/services/storage/ledger.ts'
import { openPublishedFiles } from '../src/services/storage/published-files.ts'
import type { StepSettings } from '../src/settings/settings.ts'
import { land } from '../src/steps/landing/land.ts'
import type { Services } from '../src/steps/services.ts'
import { holdInMemory } from './held-entry.ts'
import { benchFeed, GENERATION, LINEAGE, WINDOW } from './report.ts'

const NEVER = new Date(Date.UTC(9999, 0, 1))

/** The app's side: its `land`, with the archive in a file and the ledger entry in memory. Gives the acknowledged rows. */
export async function landByApp(path: string, client: TableClient, generation = GENERATION): Promise<number> {
  const services = servicesOver(fileArchive(path), client)
  return (await landBy(services, benchFeed(client.tableName), path, generation)).rowsLanded
}

/** The same with a file of the rows, block by block in a container of its own, and read back from there. */
export async function landPublished(path: string, client: TableClient, storage: string): Promise<number> {
  const { container } = storageClients({ kind: 'connection-string', connectionString: storage })
  const name = `published${randomUUID()}`
  const publishedFiles = openPublishedFiles(() => container(name))
  const services = { ...servicesOver(fileArchive(path), client), publishedFiles }
  const { rowsLanded, file } = await landBy(
    services,
    benchFeed(client.tableName, ['table', 'parquet']),
    path,
    GENERATION,
  )
  if (!file) throw new Error('the landing wrote no file')
  return rowsLanded
}

async function landBy(services: Services, feed: Feed, path: string, generation: Generation): Promise<Figures> {
  const row = newFeedRow(feed, {}, WINDOW.to)
  const { size } = await stat(path)
  const job = {
    row,
    services,
    get insights() {
      return absent()
    },
  }
  const result = await land(
    job,
    holdInMemory(firstLanding(generation)),
    { name: path, bytes: size, sha256: await sha256Of(path), etag: '' },
    NEVER,
  )
  if (result === 'paused') throw new Error('a landing without a time limit paused')
  if (isFailure(result)) throw new Error(result.message)
  if ('awaits' in result) throw new Error(result.awaits.message)
  return result
}

/** An archive that gives the report at `path` for every name. */
export function fileArchive(path: string): Archive {
  return {
    create: absent,
    find: absent,
    list: absent,
    names: absent,
    remove: absent,
    write: absent,
    read: () => ranges(path),
    rejects: (name) => ({ name, add: absent, close: async () => undefined }),
  }
}

/** The landing compares the bytes with what was received. */
async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of ranges(path)) hash.update(bytes)
  return hash.digest('hex')
}

async function* ranges(path: string): AsyncGenerator<Buffer> {
  const file = await open(path)
  try {
    for (let at = 0; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(RANGE), 0, RANGE, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** A window in its first landing. */
function firstLanding(generation: Generation): Landing {
  const asked = { rowSet: 'bench', selection: 'bench' }
  const times = { requestedAt: WINDOW.to, deadline: NEVER, pollAfter: NEVER }
  const report = { reportName: 'bench', queryId: 'bench', asked, ...times }
  const held = {
    executionId: 'bench',
    origin: 'service' as const,
    generation,
    hash: '',
    checkpoint: 0,
    leaseUntil: NEVER,
    owner: 'bench',
  }
  const life = { feed: 'bench', window: WINDOW, tries: 1, heals: 0, remoteReports: [], history: [] }
  return { ...life, ...report, ...held, ...LINEAGE, lane: 'live', phase: 'check', state: 'landing' }
}

export function servicesOver(archive: Archive, client: TableClient): Services {
  return {
    archive,
    publishedFiles: NO_FILES,
    ledger: EMPTY_LEDGER,
    landingTable: () => openLandingTable(client),
    clock: () => new Date(),
    emit: () => undefined,
    newId: () => 'bench',
    insights: absent,
    readFeeds: absent,
    packagedName: 'feeds.json',
    packagedFeeds: absent,
    expiry: absent,
    version: 'bench',
    settings: SETTINGS,
    queue: { send: absent, sendDrop: absent, look: absent, oldest: absent },
  }
}

/** A feed without `publish` writes no file. */
const NO_FILES: Services['publishedFiles'] = {
  groupValues: 0,
  create: absent,
  find: absent,
  read: absent,
  blocks: absent,
  stage: absent,
  commit: absent,
  remove: absent,
  list: absent,
}

/** Only a drop reads any of them: how long it may take. */
const SETTINGS: StepSettings = {
  ingestTimeLimitMs: 3_600_000,
  maxReportBytes: Number.MAX_SAFE_INTEGER,
  limits: { maxInFlight: 0, maxReportsPerHour: 0 },
  reportDeadlineMs: 0,
  adoptAfterMs: 0,
  leaseMs: 0,
  pollEveryMs: 0,
  maxTries: 0,
  deleteReports: false,
  deployment: 'bench',
  periods: { provision: 0, sweep: 0 },
  callback: undefined,
  downloadHosts: [],
  tenants: {},
  auths: {},
}

/** A ledger without feed rows, so `land` has none to update. */
export const EMPTY_LEDGER: Ledger = {
  create: absent,
  read: absent,
  entries: absent,
  entriesOn: absent,
  write: absent,
  removePlan: absent,
  removeApp: absent,
  drops: absent,
  readDrop: absent,
  writeDrop: absent,
  endDrop: absent,
  scan: absent,
  overview: absent,
  due: absent,
  remove: absent,
  readPlan: absent,
  writePlan: absent,
  readFeed: async () => undefined,
  writeFeed: absent,
  feeds: absent,
  readApp: absent,
  writeApp: absent,
  appRows: absent,
}

export function absent(): never {
  throw new Error('landing asks for a service that the bench does not have')
}
