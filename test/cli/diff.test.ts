import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseWindowId, type Window, windowId } from '../../src/core/time/window.ts'
import { dayWords } from '../../src/core/time/words.ts'
import type { Diff } from '../../src/steps/operator/diff.ts'
import { erase } from '../../src/steps/operator/erase.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { rememberFeeds } from '../../src/steps/requesting/remember-feeds.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { storageOf } from '../setup/storage.ts'
import { type Deployment, startDeployment } from './deployment.ts'

const USAGE = {
  dataset: 'AzureUsage',
  columns: ['Month', 'CustomerName', 'UsageQuantity'],
  from: '2025-01-01',
  to: '2025-07-01',
  maxRejects: 0.9,
}
const FEEDS = [
  { ...USAGE, name: 'keyed', key: ['Month', 'CustomerName'] },
  { ...USAGE, name: 'whole' },
]
const MARCH = '20250301T000000Z_20250401T000000Z'
const APRIL = '20250401T000000Z_20250501T000000Z'
const MAY = '20250501T000000Z_20250601T000000Z'
const JUNE = '20250601T000000Z_20250701T000000Z'

const BEFORE = lines(
  'Month,CustomerName,UsageQuantity,SalesChannel',
  '2025-03-01,Contoso,1.0,a',
  '2025-03-01,Fabrikam,2,b',
  '2025-03-01,Wingtip,3.25,c',
  '2025-03-01,Zoë 東京 😀,4,d',
  '2025-03-01,Twice,5,e',
  '2025-03-01,Twice,6,e',
  '2025-03-01,Broken,many,f',
)

/** Tabs, packed, another order of columns, another form of dates and numbers, and one column for another. */
const AFTER = gzipSync(
  lines(
    'UsageQuantity\tMonth\tCustomerName\tMPNId',
    '1\t2025-03\tContoso\t1',
    '2.5\t2025-03\tFabrikam\t2',
    '4.00\t2025-03\tZoë 東京 😀\t3',
    '6\t2025-03\tTwice\t4',
    '7\t2025-03\tTwice\t5',
    '0.1\t2025-03\tNew\t6',
  ),
)

let deployment: Deployment
beforeAll(async () => {
  deployment = await startDeployment(FEEDS)
  const { services } = deployment
  await services.ledger.create()
  await services.archive.create()
  await rememberFeeds(services, await services.ledger.appRows())
  for (const feed of ['keyed', 'whole']) {
    await land(feed, MARCH, BEFORE, 'before.csv')
    await land(feed, MARCH, AFTER, 'after.tsv.gz')
  }
  await land('whole', APRIL, BEFORE.replaceAll('2025-03', '2025-04'), 'april.csv')
})
afterAll(() => deployment.close())

function lines(...all: readonly string[]): string {
  return `${all.join('\r\n')}\r\n`
}

function windowOf(id: string): Window {
  const window = parseWindowId(id)
  if (!window) throw new Error(id)
  return window
}

async function land(feed: string, window: string, text: string | Buffer, name: string): Promise<void> {
  const bytes = async function* () {
    yield Buffer.from(text)
  }
  const imported = await importReport(deployment.services, feed, windowOf(window), { name, bytes })
  if ('problem' in imported) throw new Error(imported.problem)
  await deployment.settle(feed)
}

const command = (...args: readonly string[]) => deployment.command(['diff', ...args])

async function compared(...args: readonly string[]): Promise<Diff> {
  const { exit, out, err } = await command(...args, '--json')
  expect({ exit, err }).toEqual({ exit: 0, err: '' })
  return JSON.parse(out).windows[0]
}

describe('diff by key', () => {
  it('counts what was planted: by what lands and not by how it is written, with rejects and repeated keys apart', async () => {
    expect(await compared('keyed', '--window', MARCH)).toEqual({
      feed: 'keyed',
      window: MARCH,
      before: { attempt: 1, archive: expect.stringMatching(/\/1-import-\w+\.csv$/), rows: 6, rejected: 1 },
      after: { attempt: 2, archive: expect.stringMatching(/\/2-import-\w+\.tsv\.gz$/), rows: 6, rejected: 0 },
      key: ['Month', 'CustomerName'],
      keyLacks: [],
      columnsAdded: ['MPNId'],
      columnsRemoved: ['SalesChannel'],
      totals: [{ column: 'UsageQuantity', before: '21.25', after: '20.6', moved: '-0.65' }],
      same: 3,
      added: 2,
      removed: 2,
      changed: 1,
      repeatedKeys: 1,
      changedIn: { UsageQuantity: 1 },
      rows: {
        added: [
          { line: 6, values: { Month: '2025-03-01T00:00:00Z', CustomerName: 'Twice', UsageQuantity: '7' } },
          { line: 7, values: { Month: '2025-03-01T00:00:00Z', CustomerName: 'New', UsageQuantity: '0.1' } },
        ],
        removed: [
          { line: 4, values: { Month: '2025-03-01T00:00:00Z', CustomerName: 'Wingtip', UsageQuantity: '3.25' } },
          { line: 6, values: { Month: '2025-03-01T00:00:00Z', CustomerName: 'Twice', UsageQuantity: '5' } },
        ],
        changed: [
          {
            lineBefore: 3,
            lineAfter: 3,
            key: { Month: '2025-03-01T00:00:00Z', CustomerName: 'Fabrikam' },
            values: { UsageQuantity: { before: '2', after: '2.5' } },
          },
        ],
      },
    })
  })

  it('says it in lines, of which --rows shows no more than asked for', async () => {
    const { exit, out } = await command('keyed', '--month', '2025-03', '--rows', '1')
    expect(exit).toBe(0)
    expect(out.split('\n')).toEqual([
      `keyed ${MARCH}: from attempt 1 to attempt 2`,
      'rows: 6 before, 6 after: 2 added, 2 removed, 1 changed, 3 the same',
      'rejects, which are not compared: 1 before, 0 after',
      'a row is known by Month, CustomerName',
      '1 keys have several rows in one landing: rows of these are added or removed, never changed',
      'columns added, which are not compared: MPNId',
      'columns removed, which are not compared: SalesChannel',
      expect.stringMatching(/^column +total before +total after +moved by +changed rows$/),
      expect.stringMatching(/^UsageQuantity +21.25 +20.6 +-0.65 +1$/),
      '+ line 6: Month 2025-03-01T00:00:00Z, CustomerName Twice, UsageQuantity 7',
      '+ and 1 more; --rows shows up to 100',
      '- line 4: Month 2025-03-01T00:00:00Z, CustomerName Wingtip, UsageQuantity 3.25',
      '- and 1 more; --rows shows up to 100',
      '~ line 3: Month 2025-03-01T00:00:00Z, CustomerName Fabrikam: UsageQuantity 2 is now 2.5',
      '',
    ])
  })
})

describe('diff without key', () => {
  it('compares whole rows, so a changed one is removed and added', async () => {
    expect(await compared('whole', '--window', MARCH, '--rows', '0')).toMatchObject({
      ...{ key: [], same: 3, added: 3, removed: 3, changed: 0, repeatedKeys: 0, changedIn: {} },
      rows: { added: [], removed: [], changed: [] },
    })
  })

  it('says what to type where only one archive stands, and compares the other windows all the same', async () => {
    const { exit, out, err } = await command('whole', '--from', '2025-03-01')
    expect(err).toBe(
      `whole ${APRIL}: no archive stands of a landing before that of attempt 1; "retry whole --window ${APRIL}" asks for it again: once that has landed, diff shows what it changed\n`,
    )
    expect(out).toContain(`whole ${MARCH}: from attempt 1 to attempt 2\n`)
    expect(exit).toBe(1)
  })
})

describe('the attempts that diff compares', () => {
  it('are those that --attempt names, the earlier state first, also a failed one', async () => {
    expect(await compared('keyed', '--window', MARCH, '--attempt', '2', '--attempt', '1')).toMatchObject({
      ...{ added: 2, removed: 2, changed: 1, columnsAdded: ['SalesChannel'] },
      totals: [{ moved: '0.65' }],
    })
    await land('keyed', MAY, lines('Month,CustomerName,UsageQuantity', '2025-05-01,Contoso,1'), 'may.csv')
    await land('keyed', MAY, lines('Month,CustomerName,UsageQuantity', '2024-01-01,Contoso,2'), 'wrong.csv')
    const failed = await compared('keyed', '--window', MAY, '--attempt', '1', '--attempt', '2')
    expect(failed).toMatchObject({ before: { attempt: 1 }, after: { attempt: 2 }, added: 1, removed: 1 })
    // What failed is not published, so there is nothing before it.
    expect((await command('keyed', '--window', MAY)).err).toMatch(/no archive stands of a landing before/)
  })

  it('are the published one and the one before, also where the same archive was landed again in between', async () => {
    const of = (quantity: number) => lines('Month,CustomerName,UsageQuantity', `2025-06-01,Contoso,${quantity}`)
    await land('keyed', JUNE, of(1), 'a.csv')
    await land('keyed', JUNE, of(2), 'b.csv')
    const [entry] = (await deployment.entries('keyed')).filter(({ window }) => +window.from === Date.UTC(2025, 5))
    const first = entry?.history[0]?.archive
    await replay(deployment.services, 'keyed', windowOf(JUNE), first)
    await deployment.settle('keyed')
    await land('keyed', JUNE, of(4), 'c.csv')
    expect(await compared('keyed', '--window', JUNE)).toMatchObject({
      before: { attempt: 3, archive: first },
      after: { attempt: 4 },
      totals: [{ before: '1', after: '4', moved: '3' }],
    })
    expect((await command('keyed', '--window', JUNE, '--attempt', '1', '--attempt', '3')).err).toMatch(
      /attempts 1 and 3 read the same archive/,
    )
  })

  it.each([
    [
      ['keyed', '--window', MARCH, '--attempt', '9'],
      1,
      /no archive of attempt 9 stands; archives stand of attempts: 1, 2/,
    ],
    [['keyed', '--from', '2025-03-01', '--attempt', '1'], 2, /--attempt goes with one --window/],
    [['keyed', '--window', MARCH, '--attempt', 'first'], 2, /whole number from 1/],
    [['keyed', '--window', MARCH, '--rows', '101'], 2, /from 0 to 100/],
    [['keyed'], 2, /name windows/],
    [['--window', MARCH], 2, /name the feed/],
    [['nobody', '--window', MARCH], 1, /feed nobody is not known to the app/],
  ])('%j exits with %i', async (args, exitCode, message) => {
    const { exit, err } = await command(...args)
    expect(err).toMatch(message)
    expect(exit).toBe(exitCode)
  })
})

it('goes by a key that the feed got after its windows had landed', async () => {
  const { services } = deployment
  await deployment.writeFeeds(FEEDS.map((feed) => ({ ...feed, key: ['CustomerName'] })))
  await rememberFeeds(services, await services.ledger.appRows())
  expect(await compared('whole', '--window', MARCH)).toMatchObject({ key: ['CustomerName'], changed: 1 })
})

it('diff of an archive that was changed says so, and leaves no file', async () => {
  const temporary = join(deployment.folder, 'temporary')
  await mkdir(temporary)
  const [entry] = await deployment.entries('whole')
  const name = entry?.figures?.archive ?? ''
  const blob = storageOf(deployment.azurite.connectionString).container('reports').getBlockBlobClient(name)
  const { metadata } = await blob.getProperties()
  const text = lines('Month,CustomerName,UsageQuantity', '2025-03-01,Contoso,1')
  await blob.upload(text, text.length, { ...(metadata && { metadata }) })
  const { exit, err } = await deployment.command(['diff', 'whole', '--window', MARCH], { TMPDIR: temporary })
  expect(err).toMatch(/its bytes are not those that were received \(SHA-256\)/)
  expect(exit).toBe(1)
  expect(await readdir(temporary)).toEqual([])
})

describe('diff of a window whose archives were removed', () => {
  it('by erase says that one landing alone stands, and what to type', async () => {
    const { services } = deployment
    const where = { column: 'CustomerName', value: 'Contoso' }
    expect(await erase(services, 'whole', where)).toHaveProperty('windows')
    await deployment.settle('whole')
    const [, entry] = await deployment.entries('whole')
    expect(entry).toMatchObject({ state: 'landed', attempt: 2, figures: { rowsErased: 1 } })
    const retried = `"retry whole --window ${APRIL}" asks for it again`
    expect(await command('whole', '--window', APRIL)).toMatchObject({
      exit: 1,
      err: `whole ${APRIL}: no archive stands of a landing before that of attempt 2; ${retried}: once that has landed, diff shows what it changed\n`,
    })
    expect(await command('whole', '--window', APRIL, '--attempt', '1')).toMatchObject({
      exit: 1,
      err: `whole ${APRIL}: no archive of attempt 1 stands; archives stand of attempts: 2; ${retried}\n`,
    })
  })

  it('or will be by keep: what it says to type is not refused', async () => {
    const { services } = deployment
    const push = async (feeds: readonly object[]) => {
      await deployment.writeFeeds(feeds)
      await rememberFeeds(services, await services.ledger.appRows())
    }
    await push(FEEDS.map((feed) => ({ ...feed, keep: 'P1M' })))
    const { err } = await command('whole', '--window', APRIL)
    await push(FEEDS)
    expect(err).toMatch(
      /attempt 2; it is older than what the feed keeps: make "keep" longer in feeds.json first, then "retry whole /,
    )
  })

  it('by keep says why and what to do, and that works', async () => {
    const { services } = deployment
    const feeds = (keep?: string) => FEEDS.map((feed) => (feed.name === 'keyed' && keep ? { ...feed, keep } : feed))
    const push = async (keep?: string) => {
      await deployment.writeFeeds(feeds(keep))
      await rememberFeeds(services, await services.ledger.appRows())
    }
    await push('P1M')
    // Two looks, a day apart.
    for (const hours of [0, 25]) await sweep({ ...services, clock: () => new Date(Date.now() + hours * 3_600_000) })
    await deployment.settle('keyed')
    const { exit, err } = await command('keyed', '--window', MARCH)
    const gone = (await deployment.entries('keyed')).find((entry) => windowId(entry.window) === MARCH)
    const why = `its archives were removed on ${dayWords(gone?.figures?.removedAt ?? new Date(0))}`
    const past = 'it is older than what the feed keeps: make "keep" longer in feeds.json first'
    const remedy = `"retry keyed --window ${MARCH}" asks for it again`
    expect({ exit, err }).toEqual({ exit: 1, err: `keyed ${MARCH}: ${why}; ${past}, then ${remedy}\n` })
    expect((await command('keyed', '--window', MARCH, '--attempt', '1')).err).toBe(err)
    await push()
    // It is kept again.
    expect((await command('keyed', '--window', MARCH)).err).toBe(`keyed ${MARCH}: ${why}; ${remedy}\n`)
    const retried = await deployment.command(['retry', 'keyed', '--window', MARCH])
    expect(retried).toMatchObject({ exit: 0, err: '' })
  })
})
