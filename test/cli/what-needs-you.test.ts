import { execFile } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Effect } from '../../local/simulator/switches.ts'
import { openApp } from '../../src/app/app.ts'
import type { AppEvent } from '../../src/core/events.ts'
import { type FailureKind, failed } from '../../src/core/failures.ts'
import { credentialsRowKey, pacingRowKey, SWEEP_KEY, TICK_KEY } from '../../src/core/ledger/app-rows.ts'
import type { FeedRow } from '../../src/core/ledger/feed-row.ts'
import type { Figures, Landed, LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { toFailed } from '../../src/core/ledger/transitions.ts'
import { EMPTY_PACING, type Pacing } from '../../src/core/plan/pacing.ts'
import type { StatusAnswer, ToDoKind } from '../../src/core/status/fields.ts'
import { alignDown, GRAIN } from '../../src/core/time/calendar.ts'
import { addDuration, DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/time/durations.ts'
import { windowId } from '../../src/core/time/window.ts'
import { blockFeed, changeFeedRow } from '../../src/steps/ledger/feed-row.ts'
import { poison } from '../../src/steps/poison.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import { requireSettings } from '../setup/settings.ts'
import { planRetry, storedEntry } from '../setup/stored.ts'
import { type Deployment, startDeployment } from './deployment.ts'

// Everything that needs a person is planted, and the command that `status` prints for it is run as it is printed.

const NOW = new Date()
const MONTH = alignDown(NOW, GRAIN.month)
const TODAY = alignDown(NOW, GRAIN.day)
const dayOf = (at: Date) => at.toISOString().slice(0, 10)
const ago = (ms: number) => new Date(NOW.getTime() - ms)

/** Eight months that have settled. */
const USAGE = {
  name: 'usage',
  dataset: 'AzureUsage',
  columns: ['Month', 'CustomerName', 'UsageQuantity'],
  from: dayOf(addDuration(MONTH, { months: 9, days: 0, seconds: 0 }, -1)),
  to: dayOf(addDuration(MONTH, { months: 1, days: 0, seconds: 0 }, -1)),
  refresh: false,
}
const LEARN = {
  name: 'learn',
  dataset: 'MSLearn',
  from: dayOf(new Date(TODAY.getTime() - 6 * DAY_MS)),
  to: dayOf(new Date(TODAY.getTime() - 4 * DAY_MS)),
  delay: 'P1D',
  refresh: false,
}

let deployment: Deployment
let services: Services
const events: AppEvent[] = []

beforeAll(async () => {
  deployment = await startDeployment([USAGE, LEARN])
  const feedsFile = join(deployment.folder, 'feeds.json')
  services = openApp(requireSettings(deployment.settings), feedsFile)((event) => void events.push(event))
  await installProgram(deployment.folder)
  await run()
  await run()
}, 120_000)
afterAll(() => deployment.close())

/** One turn of both timers, until nothing is under way. */
async function run(): Promise<void> {
  await provision(services)
  for (const { name } of [USAGE, LEARN]) await deployment.settle(name)
  await sweep(services)
}

/** What `npm ci` does for a project: `npx` finds the program in its folder. */
async function installProgram(folder: string): Promise<void> {
  const bin = join(folder, 'node_modules/.bin')
  await mkdir(bin, { recursive: true })
  const program = join(bin, 'partner-insights-sync')
  await writeFile(program, `#!/bin/sh\nexec node ${resolve(import.meta.dirname, '../../cli/main.ts')} "$@"\n`)
  await chmod(program, 0o755)
}

/** Runs a text in a shell, as it is. */
function paste(text: string): Promise<{ readonly exit: number; readonly out: string }> {
  const env = { PATH: process.env.PATH, HOME: deployment.folder }
  return new Promise((done) => {
    execFile('/bin/sh', ['-c', text], { cwd: deployment.folder, env }, (error, stdout, stderr) => {
      done({ exit: typeof error?.code === 'number' ? error.code : 0, out: stdout + stderr })
    })
  })
}

async function toDo(): Promise<StatusAnswer['toDo']> {
  const { out } = await deployment.command(['status', '--json'])
  return (JSON.parse(out) as StatusAnswer).toDo
}

const kinds = async () => (await toDo()).map(({ kind }) => kind)

/** The only thing to do of a kind. */
async function only(kind: ToDoKind) {
  const found = (await toDo()).filter((each) => each.kind === kind)
  expect(found).toHaveLength(1)
  return found[0] ?? expect.fail('nothing to do')
}

const told = (name: AppEvent['event']) => events.filter(({ event }) => event === name)

/** Changes the nth entry of a feed, as a landing or a failure would have. */
async function plant(feed: string, nth: number, change: (entry: Landed) => LedgerEntry): Promise<void> {
  const entry = (await deployment.entries(feed))[nth] as Landed
  const stored = await services.ledger.read(feed, windowId(entry.window))
  if (!stored || !('etag' in stored)) throw new Error('nothing is stored')
  await services.ledger.write(change(stored.value as Landed), stored.etag)
}

const withFigures =
  (more: Partial<Figures>) =>
  (entry: Landed): Landed => ({ ...entry, figures: { ...entry.figures, ...more } })

/** An audit is due again: it reads every entry. */
const auditAgain = (feed: string) =>
  changeFeedRow(services, feed, (row): FeedRow => ({ ...row, changedAt: new Date().toISOString() }))

describe('nothing', () => {
  it('needs a person after everything has landed: the first line says so, and --check exits 0', async () => {
    const { exit, out } = await deployment.command(['status', '--check'])
    expect([exit, out.split('\n')[0]]).toEqual([0, 'nothing needs you'])
  })
})

describe('the printed command works for', () => {
  it('an empty window among full ones', async () => {
    await plant('usage', 2, withFigures({ rowsLanded: 0, rowsRead: 0, verdict: 'empty', totals: {} }))
    await auditAgain('usage')
    await provision(services)
    expect(told('feed.empty-between-full')).toMatchObject([{ feed: 'usage', count: 1 }])
    const { command } = await only('window-empty')
    expect(command).toMatch(/^npx partner-insights-sync retry usage --month \d{4}-\d\d$/)
    expect(await paste(command)).toMatchObject({ exit: 0 })
    await run()
    expect(await kinds()).not.toContain('window-empty')
  })

  it('a halved window', async () => {
    await plant('usage', 7, withFigures({ rowsLanded: 1, totals: { UsageQuantity: '1' } }))
    await auditAgain('usage')
    await provision(services)
    expect(told('window.halved')).toMatchObject([{ feed: 'usage' }])
    expect(await paste((await only('window-halved')).command)).toMatchObject({ exit: 0 })
    await run()
    expect(await kinds()).not.toContain('window-halved')
  })

  it('a stale feed', async () => {
    await changeFeedRow(services, 'learn', (row): FeedRow => ({ ...row, since: ago(20 * DAY_MS).toISOString() }))
    const failure = failed('unavailable', 'the service gives no answer')
    await plant('learn', 1, (entry) => {
      const { figures: _, ...unpublished } = toFailed(entry, failure, new Date())
      return unpublished
    })
    await auditAgain('learn')
    await provision(services)
    expect(told('feed.stale')).toMatchObject([{ feed: 'learn', message: expect.stringContaining('learn is stale') }])
    expect(await paste((await only('feed-stale')).command)).toMatchObject({ exit: 0 })
    await run()
    expect(await kinds()).not.toContain('feed-stale')
    await auditAgain('learn')
    await provision(services)
    expect(told('feed.fresh')).toMatchObject([{ feed: 'learn' }])
  })

  it('a column gone empty', async () => {
    const entry = (await deployment.entries('usage'))[4] as Landed
    const [from, to] = [entry.window.from.toISOString(), entry.window.to.toISOString()]
    await plant('usage', 4, withFigures({ emptyColumns: ['CustomerName'] }))
    await changeFeedRow(services, 'usage', (row): FeedRow => ({ ...row, emptiedIn: { CustomerName: { from, to } } }))
    expect(await paste((await only('column-empty')).command)).toMatchObject({ exit: 0 })
    await run()
    expect(await kinds()).not.toContain('column-empty')
  })

  it('a vanished column, which blocks its feed', async () => {
    await blockFeed(services, 'usage', failed('column-missing', 'usage: column "CustomerName" is not in the report'))
    expect(told('feed.blocked')).toMatchObject([{ feed: 'usage', kind: 'column-missing' }])
    const { command, sentence, remedy } = await only('feed-blocked')
    expect(sentence).toContain('column "CustomerName" is not in the report')
    expect(remedy).toMatch(/^Correct in feeds.json the columns of the feed/)
    await deployment.writeFeeds([{ ...USAGE, maxRejects: 0.0002 }, LEARN])
    expect(await paste(command)).toMatchObject({ exit: 0 })
    await run()
    expect(await kinds()).not.toContain('feed-blocked')
  })

  it('a vanished column that the report has again: no change of feeds.json ends its block', async () => {
    await blockFeed(services, 'usage', failed('column-missing', 'usage: column "CustomerName" is not in the report'))
    const { remedy } = await only('feed-blocked')
    const [, unblock = ''] = /if the report has them again.* type "(unblock usage)"/.exec(remedy) ?? []
    expect(await paste(`npx partner-insights-sync ${unblock}`)).toMatchObject({ exit: 0 })
    await run()
    expect(await kinds()).not.toContain('feed-blocked')
  })

  it('a row of another time, in a report whose query the app made: asking again heals it, not feeds.json', async () => {
    await blockFeed(services, 'usage', failed('outside-window', 'usage: line 2 has a row outside the window'))
    const { command, remedy } = await only('feed-blocked')
    expect([command, remedy]).toEqual([
      'npx partner-insights-sync unblock usage',
      expect.stringMatching(/ignored the times that it was asked for: tell its support/),
    ])
    expect(await paste(command)).toMatchObject({ exit: 0 })
    await run()
    expect(await kinds()).not.toContain('feed-blocked')
  })

  it('a vanished column that the app chose itself: asking again heals it, not feeds.json', async () => {
    const missing = failed('column-missing', 'learn: column "UserId" is not in the report')
    await blockFeed(services, 'learn', missing)
    const { command, remedy } = await only('feed-blocked')
    expect([command, remedy]).toEqual([
      'npx partner-insights-sync unblock learn',
      expect.stringMatching(/^The app chose the columns of the feed/),
    ])
    expect(told('feed.blocked').at(-1)?.remedy).toBe(`${remedy} Type: ${command}`)
    expect(await paste(command)).toMatchObject({ exit: 0 })
    await run()
    expect(await kinds()).not.toContain('feed-blocked')
    // Where nothing is blocked, unblock is refused.
    await plant('learn', 1, (entry) => toFailed(entry, missing, new Date()))
    const { out } = await deployment.command(['status', '--json', '--feed', 'learn'])
    const [problem] = (JSON.parse(out) as StatusAnswer).feeds[0]?.problems ?? []
    expect(problem?.command).toMatch(/ retry learn --window /)
    expect(await paste(problem?.command ?? '')).toMatchObject({ exit: 0 })
    await run()
    expect(await toDo()).toEqual([])
  })

  it('a role that is missing, which blocks its feed', async () => {
    await blockFeed(services, 'usage', failed('forbidden', 'usage: the account lacks the role'))
    const { command } = await only('feed-blocked')
    expect(command).toBe('npx partner-insights-sync unblock usage')
    expect(await paste(command)).toMatchObject({ exit: 0 })
    expect(await kinds()).not.toContain('feed-blocked')
  })

  it('a column that the service no longer lists', async () => {
    const drift = ['the service no longer lists what the feed asks AzureUsage for: "CustomerName"']
    await changeFeedRow(services, 'usage', (row): FeedRow => ({ ...row, offerDrift: drift }))
    const { exit, out } = await paste((await only('column-gone')).command)
    expect([exit, out]).toEqual([0, expect.stringMatching(/^default +CustomerName +/m)])
    await changeFeedRow(services, 'usage', ({ offerDrift: _, ...row }) => row)
  })

  it('a poisoned message', async () => {
    const entry = (await deployment.entries('usage'))[5] as Landed
    await planRetry(services.ledger, await storedEntry(services.ledger, 'usage', windowId(entry.window)), new Date())
    await provision(services)
    const ingest = { feed: 'usage', window: windowId(entry.window), attempt: entry.attempt + 1 }
    await poison({ ingest }, services)
    await poison({ ingest }, services)
    expect(told('window.failed')).toMatchObject([{ feed: 'usage', kind: 'poison' }])
    expect(await paste((await only('window-failed')).command)).toMatchObject({ exit: 0 })
    await run()
    expect(await kinds()).not.toContain('window-failed')
  })

  it.each<[FailureKind, string, readonly Effect[], object?]>([
    ['malformed', 'is cut short', ['truncatedGzip']],
    ['no-header', 'has nothing in it', ['nothing']],
    ['suspicious-empty', 'has no rows where there were some', ['headerOnly', 'headerOnly']],
    ['too-many-rejects', 'has half rows', ['badLastRow']],
    ['too-many-rejects', 'has values that do not fit their types', [], { types: { CustomerName: 'int64' } }],
  ])(
    '%s, where a report %s: the commands in their order, and the last of them ends it',
    async (kind, _, effects, mistake) => {
      const window = windowId(((await deployment.entries('usage'))[6] as Landed).window)
      if (mistake) {
        await deployment.writeFeeds([{ ...USAGE, ...mistake }, LEARN])
        await deployment.command(['feeds', 'push'])
      }
      for (const [index, effect] of effects.entries())
        deployment.simulator.fault({ endpoint: 'report', effect, nth: index + 1 })
      await planRetry(services.ledger, await storedEntry(services.ledger, 'usage', window), new Date())
      await run()
      if (mistake) await deployment.writeFeeds([USAGE, LEARN])
      const { sentence, command, remedy } = await only('window-failed')
      expect(sentence).toContain(`failed (${kind})`)
      const others = Array.from(remedy.matchAll(/"([^"]+)"/g), ([, text = '']) => text)
      for (const text of [command.replace('npx partner-insights-sync ', ''), ...others]) {
        expect((await storedEntry(services.ledger, 'usage', window)).value.state).toBe('failed')
        expect(await deployment.command(text.split(' '))).toMatchObject({ exit: 0, err: '' })
        // The app reads the file at its next tick.
        if (text === 'feeds push') await provision(services)
      }
      await run()
      expect(await kinds()).not.toContain('window-failed')
      expect((await storedEntry(services.ledger, 'usage', window)).value.state).toBe('landed')
    },
  )

  it('a dead timer', async () => {
    const stored = await services.ledger.readApp(TICK_KEY)
    const tick = { at: ago(3 * HOUR_MS).toISOString(), requested: 0, waiting: 0 }
    await services.ledger.writeApp(TICK_KEY, tick, stored?.etag)
    await services.ledger.writeApp(
      SWEEP_KEY,
      { at: ago(MINUTE_MS).toISOString() },
      (await services.ledger.readApp(SWEEP_KEY))?.etag,
    )
    await sweep(services)
    expect(told('timer.silent')).toMatchObject([{ message: expect.stringContaining('The timer provision is silent') }])
    const { out } = await paste((await only('timer-silent')).command)
    expect(out).toMatch(/problem +timer: The timer provision is silent/)
    await run()
    expect(await kinds()).not.toContain('timer-silent')
  })

  it('an expiring secret', async () => {
    const key = credentialsRowKey('default')
    const stored = await services.ledger.readApp(key)
    await services.ledger.writeApp(key, { nextAt: ago(HOUR_MS).toISOString(), credentials: [] }, stored?.etag)
    const expiresAt = new Date(NOW.getTime() + 10 * DAY_MS)
    const expiry: Services['expiry'] = async () => [{ what: 'client-secret', expiresAt }]
    await provision({ ...services, expiry })
    expect(told('credential.expiring')).toMatchObject([
      { message: expect.stringContaining('The client-secret of account default ends on') },
    ])
    const { command, sentence } = await only('credential-expiring')
    expect(sentence).toMatch(/, in (9|10) days$/)
    expect((await paste(command)).out).toContain('sign-in')
    // A new one was stored: an hour later the app looks again.
    const again = await services.ledger.readApp<{ nextAt: string }>(key)
    await services.ledger.writeApp(key, { ...again?.value, nextAt: ago(MINUTE_MS).toISOString() }, again?.etag)
    await run()
    expect(await kinds()).not.toContain('credential-expiring')
  })

  it('a paused account', async () => {
    const key = pacingRowKey('default')
    const stored = await services.ledger.readApp<Pacing>(key)
    const notBefore = new Date(Date.now() + 5 * HOUR_MS).toISOString()
    await services.ledger.writeApp(key, { ...EMPTY_PACING, ...stored?.value, notBefore }, stored?.etag)
    expect(await paste((await only('account-paused')).command)).toMatchObject({ exit: 0 })
    expect((await deployment.command(['status', '--check'])).exit).toBe(1)
    const again = await services.ledger.readApp<Pacing>(key)
    await services.ledger.writeApp(key, { ...EMPTY_PACING, ...stored?.value }, again?.etag)
    expect(await toDo()).toEqual([])
  })
})
