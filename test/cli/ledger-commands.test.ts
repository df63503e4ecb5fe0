import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { EMPTY_PACING, type Pacing } from '../../src/core/plan/pacing.ts'
import { windowId } from '../../src/core/time/window.ts'
import { pause } from '../../src/services/retry.ts'
import { provision } from '../../src/steps/provision.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { reportRequests } from '../setup/insights.ts'
import { storageOf } from '../setup/storage.ts'
import { type Deployment, type Run, startDeployment } from './deployment.ts'

const COLUMNS = ['Month', 'CustomerName', 'UsageQuantity']
const USAGE = { name: 'usage', dataset: 'AzureUsage', columns: COLUMNS, from: '2025-03-01', to: '2025-05-01' }

let deployment: Deployment
let landed: readonly LedgerEntry[]

beforeAll(async () => {
  deployment = await startDeployment([USAGE])
  await deployment.run('usage')
  landed = await deployment.entries('usage')
})
afterAll(() => deployment.close())

const command = (...args: readonly string[]): Promise<Run> => deployment.command(args)
const id = (index: number) => windowId((landed[index] as LedgerEntry).window)
const entry = async (window: string) =>
  (await deployment.entries('usage')).find((each) => windowId(each.window) === window) as LedgerEntry

const rows = () => rawRows(storageOf(deployment.azurite.connectionString).table('Usage'))

/** Runs `import`, which waits for its landing, while the app works. */
async function importing(file: string, window: string): Promise<Run> {
  const running = command('import', 'usage', file, '--window', window)
  let isDone = false
  const ended = running.finally(() => {
    isDone = true
  })
  while (!isDone) {
    await deployment.settle('usage')
    await Promise.race([ended, pause(100)])
  }
  return running
}

const reportsAsked = () => reportRequests(deployment.simulator).length

describe('status', () => {
  it('shows each feed as a line, and all of it with --json', async () => {
    const [shown, json] = await Promise.all([command('status'), command('status', '--json', '--feed', 'usage')])
    expect(shown).toMatchObject({ exit: 0, err: '' })
    expect(shown.out).toMatch(/^nothing needs you\n\nfeed +landed +failed[^\n]*\nusage +2 +0 +0 /)
    expect(JSON.parse(json.out).feeds).toMatchObject([{ name: 'usage', states: { landed: 2 }, complete: 2 }])
  })

  it('names an account whose sign-in is refused, and whether that blocks it', async () => {
    const { ledger, clock } = deployment.services
    const stored = await ledger.readApp<Pacing>('pacing~default')
    const refused = (kind: 'unauthorized' | 'mfa-required', hours: number) => {
      const since = new Date(clock().getTime() - hours * 3_600_000).toISOString()
      return { ...EMPTY_PACING, ...stored?.value, refused: { kind, message: 'no sign-in', since, triedAt: since } }
    }
    const written = await ledger.writeApp('pacing~default', refused('mfa-required', 2), stored?.etag)
    const blocked = await command('status')
    const again = await ledger.writeApp('pacing~default', refused('unauthorized', 2), written?.etag)
    const waiting = await command('status')
    await ledger.writeApp('pacing~default', stored?.value ?? EMPTY_PACING, again?.etag)
    expect(blocked.out).toMatch(
      /\naccount default asks for nothing, and tries its sign-in once an hour: its sign-in is refused \(mfa-required\)\n/,
    )
    expect(waiting.out).toMatch(
      /\naccount default tries its sign-in at each tick: its sign-in is refused \(unauthorized\)\n/,
    )
    for (const { out } of [blocked, waiting])
      expect(out).toMatch(
        /: no sign-in.*\n {2}Sign in again in a browser.*\n {2}npx partner-insights-sync consent --account /,
      )
  })

  it('names a feed the app does not know', async () => {
    expect(await command('status', '--feed', 'nobody')).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/^feed nobody is not known to the app; it knows [^ ,]+(, [^ ,]+)*\n$/),
    })
  })
})

describe('the command line', () => {
  it('exits 2 for wrong usage', async () => {
    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [['nonsense'], /unknown command/],
      [['status', '--nonsense'], /unknown option/],
      [['retry', 'usage', '--window', '20250101_20250201'], /must look like 2025/],
      [['retry', 'usage', '--from', 'yesterday'], /must look like 2025/],
      [['retry', 'usage'], /name windows/],
      [['forget', 'usage', '--feed', 'learn', '--from', '2025-01-01'], /two feeds are named, usage and learn/],
      [['retry', 'usage', '--from', '2025-02-01', '--to', '2025-01-01'], /--from must be before --to/],
      [['replay', '--from', '2025-01-01'], /name the feed/],
      [['import', 'usage', 'file.csv'], /name one window: --month or --window/],
      [['retry', 'usage', '--month', '2025-13'], /must look like 2025-03/],
      [['retry', 'usage', '--window', '2025-02-30'], /must look like 2025-03-05/],
    ]
    const runs = await Promise.all(cases.map(([args]) => command(...args)))
    for (const [i, { exit, err }] of runs.entries()) {
      expect(err).toMatch(cases[i]?.[1] ?? /never/)
      expect(exit).toBe(2)
    }
  })

  it('names each setting that is wrong or missing: exit 1', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cli-none-'))
    const missing = await deployment.command(['status', '--settings', join(folder, 'none.json')])
    expect(missing.exit).toBe(1)
    expect(missing.err).toContain('none.json cannot be read')
    await writeFile(join(folder, 'empty.json'), '{"Values":{}}')
    const empty = await deployment.command(['status', '--settings', join(folder, 'empty.json')])
    expect(empty.exit).toBe(1)
    expect(empty.err.split('\n').length).toBeGreaterThan(3)
    await rm(folder, { recursive: true })
  })

  it('takes the environment before the settings file', async () => {
    const { exit, err } = await deployment.command(['status'], { POLL_EVERY: 'soon' })
    expect(exit).toBe(1)
    expect(err).toMatch(/^POLL_EVERY is "soon"/)
  })
})

describe('retry', () => {
  it('plans a landed window again and keeps its figures; it names a window that is neither landed nor failed', async () => {
    const { exit } = await command('retry', 'usage', '--window', id(0), '--accept-empty')
    expect(exit).toBe(0)
    expect(await entry(id(0))).toMatchObject({ state: 'planned', reason: 'retry', tries: 0, acceptEmpty: true })
    const again = await command('retry', '--feed', 'usage', '--from', '2025-03-01', '--to', '2025-04-01', '--json')
    expect(again.exit).toBe(1)
    expect(JSON.parse(again.out).windows).toMatchObject([
      { window: id(0), problem: expect.stringMatching(/is planned: wait/) },
    ])
    await deployment.run('usage')
    expect(await entry(id(0))).toMatchObject({ state: 'landed', attempt: 2 })
    expect(await entry(id(0))).not.toHaveProperty('acceptEmpty')
  })

  it('asks at once with --now, and only plans without it', async () => {
    const asked = reportsAsked()
    const now = await command('retry', 'usage', '--window', id(0), '--now')
    expect(now).toEqual({ exit: 0, err: '', out: `usage ${id(0)}: state requested\n` })
    expect(await entry(id(0))).toMatchObject({ state: 'requested' })
    expect(reportsAsked()).toBe(asked + 1)
    await deployment.settle('usage')
    expect(await entry(id(0))).toMatchObject({ state: 'landed' })
  })

  it('says of a window that was not asked for yet why, and what to type', async () => {
    const { exit, err } = await command('retry', 'usage', '--window', '20200101T000000Z_20200201T000000Z')
    expect({ exit, err }).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/was not asked for yet: .*"(feeds push|backfill --dry-run --feed usage)"/),
    })
  })
})

describe('a window that is named wrongly', () => {
  it.each(['retry', 'replay', 'forget', 'accept-gap', 'diff'])(
    '%s of a day in a month names the month',
    async (name) => {
      expect(await command(name, 'usage', '--window', '2025-03-05')).toEqual({
        exit: 1,
        out: '',
        err: 'feed usage has no window 20250305T000000Z_20250306T000000Z: --month 2025-03 holds that time\n',
      })
    },
  )

  it('rejects says that there is no such window, and not that it has no rejects', async () => {
    const [month, day, span, known] = await Promise.all([
      command('rejects', '--feed', 'usage', '--month', '2020-01'),
      command('rejects', '--feed', 'usage', '--window', '2025-03-05'),
      command('rejects', '--feed', 'usage', '--to', '2020-01-01'),
      command('rejects', '--feed', 'usage', '--month', '2025-03'),
    ])
    expect(month).toEqual({ exit: 1, out: '', err: 'the ledger has no such window of feed usage\n' })
    expect(day).toMatchObject({ exit: 1, err: expect.stringMatching(/--month 2025-03 holds that time\n$/) })
    expect(span).toEqual({ exit: 0, err: '', out: 'no window in that time\n' })
    expect(known).toEqual({ exit: 0, err: '', out: 'no rejects\n' })
  })

  it('status takes a month, lists its windows, and says the form of one that is wrong', async () => {
    const [march, none, wrong] = await Promise.all([
      command('status', '--month', '2025-03'),
      command('status', '--month', '2020-01'),
      command('status', '--month', '3-2025'),
    ])
    expect(march.out.split('\n').slice(1)).toEqual([expect.stringMatching(/^usage +20250301T/), ''])
    expect(none).toEqual({ exit: 0, err: '', out: 'no window\n' })
    expect(wrong).toMatchObject({ exit: 2, err: expect.stringMatching(/must look like 2025-03/) })
  })
})

describe('replay', () => {
  it('lands a window again from its archive without a new report, to the same rows', async () => {
    const before = await rows()
    const asked = reportsAsked()
    const { attempt, figures } = await entry(id(0))
    expect(await command('replay', 'usage', '--window', id(0))).toMatchObject({ exit: 0 })
    await deployment.settle('usage')
    const after = await entry(id(0))
    expect(after).toMatchObject({ state: 'landed', attempt: attempt + 1 })
    expect(after.figures).toMatchObject({
      totals: figures?.totals,
      archive: figures?.archive,
      reportId: figures?.reportId,
    })
    expect(await rows()).toHaveLength(before.length)
    expect(reportsAsked()).toBe(asked)
  })

  it('refuses while the local feeds differ from those the app has read, and points to feeds diff', async () => {
    await deployment.writeFeeds([{ ...USAGE, shards: 2 }])
    const { exit, err } = await command('replay', 'usage', '--window', id(0))
    await deployment.writeFeeds([USAGE])
    expect({ exit, err }).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/"feeds diff" .*"feeds push" .*"feeds pull"/),
    })
  })
})

describe('import and rejects', () => {
  const window = '20250201T000000Z_20250301T000000Z'

  it('a file lands as a window of its own; its rejects are listed, and land by replay after the types were corrected', async () => {
    const file = join(deployment.folder, 'history.csv.gz')
    const bytes = gzipSync([COLUMNS.join(), '2025-02-01,Contoso,12.5', '2025-02-01,Fabrikam,n/a', ''].join('\r\n'))
    await writeFile(file, bytes)
    await deployment.writeFeeds([{ ...USAGE, maxRejects: 0.9 }])
    await provision(deployment.services)
    expect(await importing(file, window)).toMatchObject({
      err: '',
      exit: 0,
      out: `usage ${window}: landed 1 row, rejected 1 (attempt 1)\n`,
    })
    expect(await entry(window)).toMatchObject({
      state: 'landed',
      lane: 'backfill',
      attempt: 1,
      figures: { reportId: 'import', rowsRead: 2, rowsLanded: 1, rowsRejected: 1, sha256: sha256(bytes) },
    })
    const listed = await command('rejects', '--feed', 'usage', '--json')
    expect(JSON.parse(listed.out)).toMatchObject([{ feed: 'usage', window, column: 'UsageQuantity', line: 3 }])
    expect((await command('rejects', '--window', window)).out).toMatch(/^usage 20250201T\S+ line 3: \w+ /)
    expect((await command('rejects', '--to', '2025-01-01', '--json')).out).toBe('[]\n')
    const asked = reportsAsked()
    await deployment.writeFeeds([{ ...USAGE, maxRejects: 0.9, types: { UsageQuantity: 'string' } }])
    await provision(deployment.services)
    expect(await command('replay', 'usage', '--window', window)).toMatchObject({ exit: 0 })
    await deployment.settle('usage')
    expect((await entry(window)).figures).toMatchObject({ rowsLanded: 2, rowsRejected: 0 })
    expect(reportsAsked()).toBe(asked)
    expect((await command('rejects', '--json')).out).toBe('[]\n')
  })

  it('a file that cannot land is told with its failure and remedy: exit 1; the gap is accepted, or forgotten', async () => {
    const file = join(deployment.folder, 'broken.csv')
    await writeFile(file, '{"error":"something else"}')
    const january = '20250101T000000Z_20250201T000000Z'
    const { exit, err } = await importing(file, january)
    expect(err).toMatch(
      /^malformed: .*\. Correct the file or its window, and type "import usage <file> --month 2025-01"\. .* Type: npx partner-insights-sync forget usage --month 2025-01$/m,
    )
    expect(exit).toBe(1)
    expect(await command('accept-gap', 'usage', '--window', january)).toMatchObject({ exit: 0, err: '' })
    expect((await command('status')).out).toContain('usage: Accepted gap: January 2025\n')
    expect(await command('forget', 'usage', '--window', january)).toMatchObject({ exit: 0, err: '' })
    expect(await entry(january)).toBeUndefined()
    expect(await command('unblock', 'usage')).toMatchObject({ exit: 1, err: 'feed usage is not blocked\n' })
  })

  it('says which columns of the feed a file lacks: the file decides which columns land', async () => {
    const file = join(deployment.folder, 'few.csv')
    const november = '20241101T000000Z_20241201T000000Z'
    const told = async (...lines: readonly string[]) => {
      await writeFile(file, [...lines, ''].join('\n'))
      const { exit, out } = await importing(file, november)
      return [exit, out.replace(/ \(attempt \d\)/, '')]
    }
    const first = `usage ${november}: landed 1 row, rejected 0\n`
    const lacks = 'the file lacks 1 column that the feed selects: UsageQuantity; it lands without values\n'
    expect(await told('CUSTOMERNAME,Month', 'Contoso,2024-11-01')).toEqual([0, first + lacks])
    expect(await told(`More,${COLUMNS}`, '1,2024-11-01,Contoso,1')).toEqual([0, first])
    const more = ['CustomerTenantId', 'CustomerMarket', 'SubscriptionId', 'SubscriptionState', 'ServiceLevel1']
    await deployment.writeFeeds([{ ...USAGE, columns: [...COLUMNS, ...more] }])
    await provision(deployment.services)
    const names = 'CustomerName, UsageQuantity, CustomerTenantId, CustomerMarket, SubscriptionId and 2 more'
    const many = `the file lacks 7 columns that the feed selects: ${names}; they land without values\n`
    expect(await told('Month,CloudCustomerName', '2024-11-01,Contoso')).toEqual([0, first + many])
    await deployment.writeFeeds([USAGE])
    await provision(deployment.services)
  })

  it.each([
    ['has not ended', '20990101T000000Z_20990201T000000Z', /wait until it is over/],
    ['overlaps', '20250315T000000Z_20250415T000000Z', /overlaps a window/],
    ['is not cut at the grain', '20240101T010000Z_20240102T000000Z', /not cut at/],
  ])('a window that %s is refused', async (_, wrong, message) => {
    const { exit, err } = await command('import', 'usage', join(deployment.folder, 'history.csv.gz'), '--window', wrong)
    expect(err).toMatch(message)
    expect(exit).toBe(1)
  })
})

describe('status after the feed was changed', () => {
  it('counts the windows that landed under an earlier form, and those whose rows the feed no longer asks for', async () => {
    const shownFor = async (feed: object) => {
      await deployment.writeFeeds([feed])
      await provision(deployment.services)
      return (await command('status')).out
    }
    const count = (await deployment.entries('usage')).length
    expect(await shownFor({ ...USAGE, shards: 3 })).toContain(
      `usage: ${count} windows landed with other columns, types or shards\n`,
    )
    const outdated = `usage: ${count} windows are outdated: the feed asks for other rows now; "backfill --outdated" asks`
    expect(await shownFor({ ...USAGE, where: 'UsageQuantity >= 0' })).toContain(outdated)
  })
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
