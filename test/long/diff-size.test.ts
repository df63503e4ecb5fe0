import { once } from 'node:events'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import type { Landed, PastAttempt } from '../../src/core/ledger/ledger.ts'
import { newGeneration } from '../../src/core/report/generation.ts'
import { windowId } from '../../src/core/time/window.ts'
import { archiveName } from '../../src/services/storage/archive.ts'
import type { Diff } from '../../src/steps/operator/diff.ts'
import { rememberFeeds } from '../../src/steps/requesting/remember-feeds.ts'
import { type Deployment, spawnCommand, startDeployment } from '../cli/deployment.ts'
import { ASKED } from '../setup/stored.ts'

// What `diff` finds between two large landings, what memory that takes, and what it leaves on the disk.

const ROWS = 500_000
const LIMIT_MB = 200
const AT = new Date('2025-05-01T00:00:00Z')
const WINDOW = { from: new Date('2025-03-01T00:00:00Z'), to: new Date('2025-04-01T00:00:00Z') }
const ID = windowId(WINDOW)
const HEADER = 'Month,CustomerName,CustomerTenantName,UsageQuantity'
const FEED = { name: 'usage', dataset: 'AzureUsage', columns: HEADER.split(','), from: '2025-03-01', to: '2025-04-01' }

let deployment: Deployment
beforeAll(async () => {
  deployment = await startDeployment([FEED])
  const { services } = deployment
  await services.ledger.create()
  await services.archive.create()
  await landTwice('usage')
}, 600_000)
afterAll(() => deployment.close())

/** Gives the feed a key, as its next tick would. */
async function knowBy(key?: readonly string[]): Promise<void> {
  const { services } = deployment
  await deployment.writeFeeds([{ ...FEED, ...(key && { key }) }])
  await rememberFeeds(services, await services.ledger.appRows())
}

const line = (number: number, quantity: string) =>
  `2025-03-01,Contoso ${number % 977},/subscriptions/${(number * 7919) % ROWS}/resource groups/${'x'.repeat(40)}/${number},${quantity}\r\n`

/** The earlier landing. */
function* before(): Generator<string> {
  yield `${HEADER}\r\n`
  for (let number = 0; number < ROWS; number++) yield line(number, `${number % 100}.5`)
}

/** The later one, backwards: every 1,000th row changed, every 1,000th gone but for the changed, and 250 new ones. */
function* after(): Generator<string> {
  yield `${HEADER}\r\n`
  for (let number = ROWS + 249; number >= 0; number--) {
    if (number % 1000 === 1) continue
    // A zero more is the same number.
    yield line(number, number < ROWS && number % 1000 === 0 ? '1000' : `${number % 100}.50`)
  }
}

const GONE = ROWS / 1000
const CHANGED = ROWS / 1000
// Row ROWS + 1 is left out too.
const NEW = 249
// A changed row had 0.5 and has 1000; a row that is gone had 1.5; the new ones have what their number says.
const MOVED = CHANGED * 999.5 - GONE * 1.5 + newQuantity()

function newQuantity(): number {
  let sum = 0
  for (let number = ROWS; number < ROWS + 250; number++) if (number % 1000 !== 1) sum += (number % 100) + 0.5
  return sum
}

/** Puts two archives and the entry of their landings where the app would have left them: only `diff` is measured. */
async function landTwice(feed: string): Promise<void> {
  const archives = [await archive(feed, 1, before()), await archive(feed, 2, after())]
  const history = archives.map(
    (name, index): PastAttempt => ({ attempt: index + 1, at: AT, outcome: 'landed', archive: name }),
  )
  const generation = newGeneration(() => '0123456789ab')
  const rows = { rowsRead: ROWS, rowsLanded: ROWS, rowsRejected: 0, bytes: 1, sha256: '', totals: {}, emptyColumns: [] }
  const form = { rowSet: 'rows', selection: 'selection', form: 'form' }
  const report = { origin: 'service', reportId: 'r', executionId: 'e', requestedAt: AT, landedAt: AT } as const
  const cost = { milliseconds: { check: 1, write: 1, count: 1 }, operations: 1 }
  const figures = {
    ...rows,
    ...form,
    ...report,
    ...cost,
    attempt: 2,
    generation,
    archive: archives[1] ?? '',
    table: 'T',
    verdict: 'rows',
  } as const
  const entry: Landed = {
    feed,
    window: WINDOW,
    lane: 'live',
    attempt: 2,
    tries: 0,
    heals: 0,
    remoteReports: [],
    history,
    figures,
    state: 'landed',
  }
  if (!(await deployment.services.ledger.write(entry, undefined))) throw new Error('the entry was not written')
}

async function archive(feed: string, attempt: number, lines: Iterable<string>): Promise<string> {
  const name = archiveName({ feed, window: ID, attempt }, 'execution', { tsv: false, gzip: false })
  const writer = deployment.services.archive.write(name, {
    asked: ASKED,
    reportId: 'r',
    attempt,
    requestedAt: AT,
    nonce: 'n',
  })
  let part = ''
  for (const each of lines) {
    part += each
    if (part.length < 1024 * 1024) continue
    await writer.append(Buffer.from(part))
    part = ''
  }
  await writer.append(Buffer.from(part))
  return (await writer.commit()).name
}

/** Runs `diff` with a folder of its own for temporary files. */
async function start() {
  const temporary = join(deployment.folder, 'temporary')
  const peakFile = join(deployment.folder, 'peak')
  await mkdir(temporary, { recursive: true })
  const hook = pathToFileURL(join(import.meta.dirname, '../setup/peak-memory.ts')).href
  const child = spawnCommand(deployment.folder, ['diff', 'usage', '--window', ID, '--rows', '2', '--json'], {
    TMPDIR: temporary,
    PEAK_MEMORY_FILE: peakFile,
    NODE_OPTIONS: `--import ${hook}`,
  })
  return {
    child,
    peakFile,
    out: text(child.stdout),
    err: text(child.stderr),
    closed: once(child, 'close'),
    left: () => readdir(temporary, { recursive: true }),
  }
}

async function measured(): Promise<Diff> {
  const { out, err, closed, peakFile, left } = await start()
  await closed
  expect(await err).toBe('')
  expect(await left()).toEqual([])
  const peakMb = Number(await readFile(peakFile, 'utf8')) / 1024
  expect(peakMb).toBeGreaterThan(20)
  expect(peakMb).toBeLessThan(LIMIT_MB)
  return JSON.parse(await out).windows[0]
}

it('finds what was planted among 500,000 rows by their key, under 200 MB', async () => {
  await knowBy(['CustomerTenantName', 'Month'])
  const found = await measured()
  expect(found).toMatchObject({
    same: ROWS - GONE - CHANGED,
    added: NEW,
    removed: GONE,
    changed: CHANGED,
    repeatedKeys: 0,
  })
  expect(found.changedIn).toEqual({ UsageQuantity: CHANGED })
  expect(found.totals).toMatchObject([{ column: 'UsageQuantity', moved: String(MOVED) }])
}, 600_000)

it('finds it among whole rows, under 200 MB', async () => {
  await knowBy()
  const found = await measured()
  expect(found).toMatchObject({
    same: ROWS - GONE - CHANGED,
    added: NEW + CHANGED,
    removed: GONE + CHANGED,
    changed: 0,
  })
  expect(found.totals).toMatchObject([{ column: 'UsageQuantity', moved: String(MOVED) }])
}, 600_000)

it('stays under 200 MB where all rows have one key, and calls none of them changed', async () => {
  await knowBy(['Month'])
  const found = await measured()
  expect(found).toMatchObject({ added: NEW + CHANGED, removed: GONE + CHANGED, changed: 0, repeatedKeys: 1 })
}, 600_000)

it('Ctrl-C ends it with exit code 130 and leaves no file', async () => {
  const { child, closed, left, out } = await start()
  await waitUntil('it sorts rows on the disk', async () => (await left()).some((name) => name.includes('before-0')))
  child.kill('SIGINT')
  await closed
  expect({ exit: child.exitCode, out: await out }).toEqual({ exit: 130, out: expect.not.stringContaining('same') })
  expect(await left()).toEqual([])
}, 600_000)
