import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import { feedRowKey, pacingRowKey } from '../../src/core/ledger/app-rows.ts'
import type { Landed, LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { toFailed } from '../../src/core/ledger/transitions.ts'
import { windowId } from '../../src/core/time/window.ts'
import { changeFeedRow } from '../../src/steps/ledger/feed-row.ts'
import { setBackWindows } from '../../src/steps/operator/backfill.ts'
import { provision } from '../../src/steps/provision.ts'
import { rememberFeeds } from '../../src/steps/requesting/remember-feeds.ts'
import { reportRequests } from '../setup/insights.ts'
import { storageOf } from '../setup/storage.ts'
import { storedEntry } from '../setup/stored.ts'
import { type Deployment, type Run, startDeployment } from './deployment.ts'

const COLUMNS = ['Month', 'CustomerName', 'UsageQuantity']
const USAGE = {
  name: 'usage',
  dataset: 'AzureUsage',
  columns: COLUMNS,
  from: '2025-03-01',
  to: '2025-07-01',
  refresh: { every: 'P30D', for: 'P1D' },
}
const PROFILE = { name: 'profile', dataset: 'Profile', snapshot: 'P7D' }
const MONTHS = ['202506', '202505', '202504', '202503']

let deployment: Deployment
beforeAll(async () => {
  deployment = await startDeployment([USAGE, PROFILE])
  const { services } = deployment
  await services.ledger.create()
  await rememberFeeds(services, await services.ledger.appRows())
})
afterAll(() => deployment.close())

const backfill = (...args: readonly string[]): Promise<Run> => deployment.command(['backfill', ...args])
const json = async (...args: readonly string[]) => JSON.parse((await backfill(...args, '--json')).out)
const asked = () => reportRequests(deployment.simulator).length
const entries = () => deployment.entries('usage')
const states = async () => (await entries()).map(({ state, lane }) => `${state} ${lane}`)
const ledgerTable = () => storageOf(deployment.azurite.connectionString).table('ledger')

/** Makes a window fail, as if its report had. */
async function fail(entry: LedgerEntry): Promise<void> {
  const { ledger, clock } = deployment.services
  const { value, etag } = await storedEntry(ledger, 'usage', windowId(entry.window))
  expect(await ledger.write(toFailed(value, failed('malformed', 'no file'), clock()), etag)).toBeDefined()
}

it('before the first tick it says that no feed is known yet, and which command tells why', async () => {
  const fresh = await startDeployment([USAGE])
  const { exit, err } = await fresh.command(['backfill'])
  await fresh.close()
  expect({ exit, err }).toEqual({
    exit: 1,
    err: 'the app knows no feed yet: it reads its feeds at its first tick; "doctor" says whether it runs\n',
  })
})

describe('before anything is asked for', () => {
  it('shows the history of each feed that has one', async () => {
    const { exit, out, err } = await backfill()
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(out).toMatch(
      /^feed +landed +failed +waiting +due later +under way +out of range +reports +done about\nusage +0 +0 +4 +0 +0 +0 +4 +2/,
    )
    expect(out).toMatch(/\n4 reports: about \d+ minutes, until 2/)
  })

  it('prints each window in the order in which the app asks for it', async () => {
    const { exit, out } = await backfill('--dry-run')
    expect(exit).toBe(0)
    const lines = out.split('\n').filter((line) => line.includes(' backfill '))
    expect(lines.map((line) => line.match(/ (\d{6})01T/)?.[1])).toEqual(MONTHS)
    expect(lines.every((line) => line.endsWith('waiting'))).toBe(true)
    const { windows, reports, feeds } = await json('--dry-run', '--from', '2025-04-10', '--to', '2025-05-02')
    // Windows are whole: a time inside a month is the month.
    expect(windows).toMatchObject([
      { feed: 'usage', window: '20250501T000000Z_20250601T000000Z', state: 'waiting', priority: 'backfill' },
      { feed: 'usage', window: '20250401T000000Z_20250501T000000Z', state: 'waiting', priority: 'backfill' },
    ])
    expect(reports).toBe(2)
    expect(feeds).toMatchObject([{ feed: 'usage', reports: 2, waiting: 2 }])
    expect(asked()).toBe(0)
  })

  it('pauses the history of a feed, while what is live goes on, and lets it go on', async () => {
    expect(await backfill('pause', '--feed', 'usage')).toEqual({
      exit: 0,
      out: 'usage: history paused; what is live goes on, and what is under way lands\n',
      err: '',
    })
    expect((await backfill('pause')).out).toBe('usage: history is paused already\n')
    await deployment.run('profile')
    expect(await entries()).toEqual([])
    expect(await deployment.entries('profile')).toMatchObject([{ state: 'landed' }])
    expect((await deployment.command(['status'])).out).toContain(
      'of history left, paused until "backfill resume --feed usage"',
    )
    const dry = (await backfill('--dry-run')).out.split('\n')
    expect(dry.filter((line) => line.includes(' backfill ')).map((line) => line.match(/ (\d{6})01T/)?.[1])).toEqual(
      MONTHS,
    )
    expect(dry).toContain('usage is paused: shown as if "backfill resume" came now')
    expect(dry.find((line) => line.startsWith('usage '))).toContain(' paused')
    expect(await json()).toMatchObject({ feeds: [{ feed: 'usage', progress: 'paused', waiting: 4, reports: 0 }] })
    expect(await backfill('resume')).toMatchObject({ exit: 0, out: 'usage: history goes on at the next tick\n' })
    const stored = await deployment.services.ledger.readFeed('usage')
    expect(JSON.stringify(stored)).not.toContain('backfillPaused')
    await deployment.run('usage')
    expect(await states()).toEqual(Array(4).fill('landed backfill'))
    expect(await json()).toMatchObject({ feeds: [{ progress: 'done', landed: 4, reports: 0 }] })
  })
})

describe('asking again', () => {
  it('sets the failed windows back into the lane of history, and leaves the others', async () => {
    const [first] = await entries()
    await fail(first as LedgerEntry)
    const rehearsed = await json('--dry-run', '--failed')
    expect(rehearsed.windows).toMatchObject([{ window: windowId((first as LedgerEntry).window), state: 'failed' }])
    expect((await states())[0]).toBe('failed backfill')
    expect(await backfill('--failed')).toMatchObject({
      exit: 0,
      out: 'usage: 1 window is asked for again, with its history\n',
    })
    expect(await states()).toEqual(['planned backfill', ...Array(3).fill('landed backfill')])
    expect((await entries())[0]).toMatchObject({
      reason: 'retry',
      tries: 0,
      figures: { rowsLanded: expect.any(Number) },
    })
    await deployment.run('usage')
    expect(await states()).toEqual(Array(4).fill('landed backfill'))
    expect((await entries()).map(({ attempt }) => attempt)).toEqual([2, 1, 1, 1])
  })

  it('asks with --all for every window of a time, and names what is under way or planned already', async () => {
    const { services } = deployment
    expect(await backfill('--all', '--from', '2025-05-01')).toMatchObject({ exit: 0 })
    expect(await states()).toEqual([...Array(2).fill('landed backfill'), ...Array(2).fill('planned backfill')])
    await provision(services)
    expect((await states()).slice(2)).toEqual(Array(2).fill('requested backfill'))
    const { exit, out } = await backfill('--all', '--feed', 'usage', '--from', '2025-04-01')
    expect(exit).toBe(0)
    expect(out).toMatch(/^usage: 1 of 3 windows is asked for again, /)
    expect(out).toContain(
      'usage from 2025-05-01 to 2025-07-01, 2 windows stay: each is requested: its report is under way',
    )
    expect((await backfill('--all', '--to', '2025-05-01')).out).toContain('stays: it is planned already')
    await deployment.run('usage')
    expect(await states()).toEqual(Array(4).fill('landed backfill'))
  })

  it('asks with --outdated for what answers an earlier question of the feed', async () => {
    expect((await backfill('--outdated')).out).toBe('usage: 0 windows are asked for again, with its history\n')
    await deployment.writeFeeds([{ ...USAGE, where: "CustomerName != 'nobody'" }, PROFILE])
    expect(await backfill('--outdated')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('"feeds diff" shows how'),
    })
    await provision(deployment.services)
    const [first] = await entries()
    await fail(first as LedgerEntry)
    await backfill('--all', '--from', '2025-06-01')
    const shown = (await deployment.command(['status'])).out
    expect(shown).toContain(
      'usage: 4 windows are outdated: the feed asks for other rows now; "backfill --outdated" asks for',
    )
    const landed = (await entries()).reduce((sum, { figures }) => sum + (figures?.rowsLanded ?? 0), 0)
    expect(landed).toBeGreaterThan(4)
    expect(shown).toContain(`4 windows are outdated; the rows stay (${landed}), but do not count as complete\n`)
    expect((await backfill('--outdated')).out).toBe(
      'usage: 3 of 4 windows are asked for again, with its history\nusage 20250601T000000Z_20250701T000000Z stays: it is planned already\n',
    )
    // Nothing is left that the command would do.
    expect((await deployment.command(['status'])).out).not.toContain('backfill --outdated')
    await deployment.run('usage')
    expect((await backfill('--outdated')).out).toBe('usage: 0 windows are asked for again, with its history\n')
  })

  it('leaves what the dry run says, by the catalogue where the service was not asked for its ranges', async () => {
    const { ledger } = deployment.services
    await changeFeedRow(deployment.services, 'usage', ({ ranges: _, ...row }) => row)
    const first = (await entries())[0] as LedgerEntry
    const { value, etag } = await storedEntry(ledger, 'usage', windowId(first.window))
    expect(value).toMatchObject({ state: 'landed', figures: { origin: 'service' } })
    await ledger.write({ ...(value as Landed), figures: { ...(value as Landed).figures, origin: 'import' } }, etag)
    await backfill('--all', '--from', '2025-06-01')
    const rehearsed = await json('--dry-run', '--all')
    const done = await json('--all')
    expect(done.feeds[0].left).toEqual(rehearsed.left)
    expect(done.feeds[0].left).toMatchObject([{ feed: 'usage', why: 'is planned already' }])
    await deployment.run('usage')
  })

  it('leaves what two people set back at once planned once, and goes on after it ended in the middle', async () => {
    const { services } = deployment
    const { ledger, clock } = services
    const attempts = (await entries()).map(({ attempt }) => attempt)
    let writes = 0
    const cut: Pick<typeof services, 'ledger' | 'clock'> = {
      clock,
      ledger: {
        ...ledger,
        // The third write never returns: the command ended there.
        write: (...args) => (++writes > 2 ? new Promise(() => undefined) : ledger.write(...args)),
      },
    }
    void setBackWindows(cut, 'usage', 'all', () => true)
    await expect.poll(() => writes, { timeout: 10_000 }).toBe(3)
    expect((await states()).filter((each) => each.startsWith('planned'))).toHaveLength(2)
    const both = await Promise.all([1, 2].map(() => setBackWindows(services, 'usage', 'all', () => true)))
    const counts = both.map((each) => ('planned' in each ? each.planned.length : Number.NaN))
    expect(counts.reduce((sum, count) => sum + count)).toBe(2)
    expect(both.every((each) => 'left' in each && each.planned.length + each.left.length === 4)).toBe(true)
    await deployment.run('usage')
    expect((await entries()).map(({ attempt }) => attempt)).toEqual(attempts.map((attempt) => attempt + 1))
  })
})

describe('bad input', () => {
  it('is told in one line, with exit code 2 for wrong usage', async () => {
    const cases: readonly (readonly [exit: number, err: RegExp, args: readonly string[]])[] = [
      [1, /^feed nobody is not known to the app; it knows profile, usage\n$/, ['--feed', 'nobody']],
      [1, /^feed nobody is not known to the app; it knows profile, usage\n$/, ['pause', '--feed', 'nobody']],
      [1, /^feed nobody is not known to the app; it knows profile, usage\n$/, ['--watch', '--feed', 'nobody']],
      [1, /^feed profile takes snapshots: it has no history\n$/, ['--all', '--feed', 'profile']],
      [
        1,
        /^no window lies in that time: usage begins at 2025-03-01\n$/,
        ['--all', '--from', '2001-01-01', '--to', '2002-01-01'],
      ],
      [1, /^no window lies in that time: usage begins at 2025-03-01\n$/, ['--dry-run', '--from', '2040-01-01']],
      [2, /^--from must be before --to\n$/, ['--all', '--from', '2025-05-01', '--to', '2025-04-01']],
      [2, /^name one of --failed and --all\n$/, ['--all', '--failed']],
      [2, /^pause takes no option but --feed\n$/, ['pause', '--all']],
      [2, /^--watch goes with --feed alone\n$/, ['--watch', '--dry-run']],
      [2, /^--from and --to go with/, ['--from', '2025-04-01']],
      [2, /Allowed choices are pause, resume/, ['stop']],
      [2, /must look like 2025/, ['--all', '--from', 'yesterday']],
      [2, /2026-02-30 is no day of the calendar/, ['--all', '--from', '2026-02-30']],
    ]
    const runs = await Promise.all(cases.map(([, , args]) => backfill(...args)))
    for (const [at, [exit, err, args]] of cases.entries()) {
      expect(runs[at]?.err, args.join(' ')).toMatch(err)
      expect(runs[at]?.exit, args.join(' ')).toBe(exit)
    }
  })

  it('leaves rows alone that it cannot read, and asks again for the rest', async () => {
    const keys = (await entries()).map(({ window }) => windowId(window))
    const table = ledgerTable()
    const odd = [{ v: 1 }, { v: 3 }, { state: 'dancing' }]
    const before = await Promise.all(odd.map((_, at) => table.getEntity('usage', keys[at] ?? '')))
    for (const [at, change] of odd.entries()) {
      await table.updateEntity({ partitionKey: 'usage', rowKey: keys[at] ?? '', ...change }, 'Merge')
    }
    const looked = await backfill()
    expect(looked.exit).toBe(0)
    expect(looked.err.match(/it is left alone/g)).toHaveLength(3)
    const { exit, out, err } = await backfill('--all')
    expect(exit).toBe(1)
    expect(out).toBe('usage: 1 window is asked for again, with its history\n')
    expect(err).toContain(`ledger entry usage ${keys[0]}: version 1 is not known to this app; it is left alone`)
    expect(err).toContain('version 3 is not known to this app')
    for (const [at] of odd.entries()) {
      const stored = await table.getEntity('usage', keys[at] ?? '')
      expect(stored.attempt).toBe(before[at]?.attempt)
      await table.updateEntity(
        { partitionKey: 'usage', rowKey: keys[at] ?? '', v: 2, state: String(before[at]?.state) },
        'Merge',
      )
    }
    await deployment.run('usage')
  })

  it('says of a paused feed that nothing is asked for yet, and retry refuses its history', async () => {
    await backfill('pause')
    const { exit, out } = await backfill('--all', '--from', '2025-06-01')
    expect(exit).toBe(0)
    expect(out).toMatch(/\nusage is paused: nothing of its history is asked for until "backfill resume"\n$/)
    const retried = await deployment.command(['retry', 'usage', '--to', '2025-03-02'])
    expect(retried).toMatchObject({ exit: 1, err: expect.stringContaining('is history, which is paused') })
    for (const command of ['retry', 'replay']) {
      const held = await deployment.command([command, 'usage', '--from', '2025-06-01'])
      expect(held).toMatchObject({
        exit: 1,
        err: expect.stringContaining('history is paused: "backfill resume --feed usage" first'),
      })
    }
    await deployment.run('usage')
    expect((await states()).at(-1)).toBe('planned backfill')
    await backfill('resume')
    await deployment.run('usage')
    expect((await states()).at(-1)).toBe('landed backfill')
  })

  it('says of a feed that feeds.json lost that it asks for nothing', async () => {
    await deployment.writeFeeds([PROFILE])
    expect(await backfill('--all')).toMatchObject({ exit: 1, err: expect.stringContaining('"feeds diff" shows how') })
    await provision(deployment.services)
    expect((await backfill()).out).toMatch(/\nusage .* disabled\n/)
    const { exit, err } = await backfill('--all', '--feed', 'usage')
    expect({ exit, err }).toEqual({
      exit: 1,
      err: 'feed usage is not in feeds.json or is disabled: it asks for nothing\n',
    })
    expect(await states()).toEqual(Array(4).fill('landed backfill'))
  })

  it('goes on with the other feeds where one has a window finer than its grain', async () => {
    const fine = { ...USAGE, name: 'fine', table: 'Fine', window: 'P1D' }
    await deployment.writeFeeds([{ ...USAGE, where: "CustomerName != 'nobody'" }, fine, PROFILE])
    await provision(deployment.services)
    expect(await backfill('--all', '--feed', 'fine')).toMatchObject({
      exit: 1,
      err: 'feed fine is not known to the app; it knows profile, usage\n',
    })
    expect((await backfill('--all')).out).toBe('usage: 4 windows are asked for again, with its history\n')
    await deployment.run('usage')
  })

  it('names a feed whose row cannot be read, and goes on with the others', async () => {
    const usage = { ...USAGE, where: "CustomerName != 'nobody'" }
    await deployment.writeFeeds([usage, { ...usage, name: 'other', table: 'Other' }, PROFILE])
    await provision(deployment.services)
    await deployment.run('other')
    const table = ledgerTable()
    const row = await table.getEntity('_app', feedRowKey('usage'))
    await table.updateEntity({ partitionKey: '_app', rowKey: feedRowKey('usage'), json: '{}' }, 'Merge')
    // It is known: its row cannot be read.
    const said = 'ledger row _app feed~usage is no feed: something else changed it; it is left alone\n'
    const named = await Promise.all([[], ['pause']].map((args) => backfill(...args, '--feed', 'usage')))
    expect(named).toEqual(Array(2).fill({ exit: 1, out: '', err: said }))
    const told = expect.stringMatching(/usage.*; it is left alone\n/)
    expect(await backfill()).toMatchObject({ exit: 0, err: told, out: expect.stringMatching(/\nother /) })
    for (const args of [['--watch'], ['pause'], ['resume'], ['--failed']])
      expect(await backfill(...args), args.join(' ')).toMatchObject({ exit: 1, err: told })
    expect(await backfill('pause', '--feed', 'other')).toMatchObject({ exit: 0, err: '' })
    await table.updateEntity({ partitionKey: '_app', rowKey: feedRowKey('usage'), json: String(row.json) }, 'Merge')
  })

  it('pauses a feed although the pacing of its account cannot be read, and says that this is why nothing is shown', async () => {
    const table = ledgerTable()
    const key = pacingRowKey('default')
    const row = await table.getEntity('_app', key)
    await table.updateEntity({ partitionKey: '_app', rowKey: key, json: '{"open":5}' }, 'Merge')
    const told = 'ledger row _app pacing~default is no pacing: something else changed it; it is left alone\n'
    const looks = await Promise.all([[], ['--dry-run', '--feed', 'usage']].map((args) => backfill(...args)))
    expect(looks).toEqual(Array(2).fill({ exit: 1, out: '', err: told }))
    expect(await backfill('pause', '--feed', 'usage')).toMatchObject({ exit: 0, err: '' })
    expect(await backfill('resume', '--feed', 'usage')).toMatchObject({ exit: 0, err: '' })
    await table.updateEntity({ partitionKey: '_app', rowKey: key, json: String(row.json) }, 'Merge')
  })
})
