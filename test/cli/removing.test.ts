import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { windowId } from '../../src/core/time/window.ts'
import { pause } from '../../src/services/retry.ts'
import { provision } from '../../src/steps/provision.ts'
import { rawRows } from '../pipeline/raw-rows.ts'
import { storageOf } from '../setup/storage.ts'
import { type Deployment, type Run, startDeployment } from './deployment.ts'

const FEED = {
  name: 'usage',
  dataset: 'AzureUsage',
  columns: ['Month', 'CustomerName', 'UsageQuantity'],
  from: '2025-03-01',
  to: '2025-05-01',
}

let deployment: Deployment
let customer: string

beforeAll(async () => {
  deployment = await startDeployment([FEED])
  await deployment.run('usage')
  const [row] = await rows()
  customer = String(row?.CustomerName)
})
afterAll(() => deployment.close())

const command = (...args: readonly string[]): Promise<Run> => deployment.command(args)

async function rows(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return rawRows(storageOf(deployment.azurite.connectionString).table('Usage'))
}

/** Runs a command that waits for landings, while the app works. */
async function whileWorking(running: Promise<Run>): Promise<Run> {
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

describe('erase', () => {
  it('is told how by what is wrong with it', async () => {
    const [none, noValue, both, noColumn] = await Promise.all([
      command('erase', 'usage'),
      command('erase', 'usage', '--where', 'CustomerName'),
      command('erase', 'usage', '--where', 'CustomerName=x', '--dry-run', '--allow-again'),
      command('erase', 'usage', '--where', 'Nobody=x'),
    ])
    expect(none).toMatchObject({ exit: 2, err: expect.stringMatching(/--where/) })
    expect(noValue).toMatchObject({ exit: 2, err: expect.stringMatching(/must look like CustomerName=Contoso/) })
    expect(both).toMatchObject({ exit: 2, err: expect.stringMatching(/name one of/) })
    expect(noColumn).toMatchObject({ exit: 1, err: expect.stringMatching(/has a column "Nobody"/) })
  })

  it('prints the rows of each window with a dry run, and lets them go without it', async () => {
    const before = (await rows()).filter((row) => row.CustomerName === customer).length
    const where = ['--where', `CustomerName=${customer}`]
    const dry = await command('erase', 'usage', ...where, '--dry-run', '--json')
    const { windows } = JSON.parse(dry.out) as { windows: readonly { window: string; rows: number }[] }
    expect(windows.reduce((sum, each) => sum + each.rows, 0)).toBe(before)
    const done = await whileWorking(command('erase', 'usage', ...where))
    expect(done).toMatchObject({ exit: 0, err: '' })
    const lines = windows.map((each) =>
      expect.stringMatching(
        `^usage ${each.window}: erased ${each.rows} rows?, 1 file; \\d+ rows stay \\(attempt 2\\)$`,
      ),
    )
    expect(done.out.trim().split('\n')).toEqual(lines)
    await deployment.settle('usage')
    expect((await rows()).filter((row) => row.CustomerName === customer)).toEqual([])
    expect((await rows()).length).toBeGreaterThan(0)
    const part = await command('erase', 'usage', '--where', `CustomerName=${customer.slice(0, -1)}`, '--dry-run')
    expect(part).toMatchObject({ exit: 0, out: expect.stringMatching(/has this value as a whole cell\n$/) })
    const again = await command('erase', 'usage', ...where, '--allow-again')
    expect(again).toMatchObject({ exit: 0, err: '' })
    const [, retry = ''] = /Type: npx partner-insights-sync (.*)\n$/.exec(again.out) ?? []
    expect(await command(...retry.split(' '))).toMatchObject({ exit: 0, err: '' })
    await deployment.run('usage')
    expect((await rows()).filter((row) => row.CustomerName === customer)).toHaveLength(before)
  })
})

describe('purge', () => {
  it('is refused while the feed is asked for, and then takes everything', async () => {
    const refused = await command('purge', '--feed', 'usage')
    expect(refused).toMatchObject({ exit: 1, err: expect.stringMatching(/take it out of feeds.json/) })
    await deployment.writeFeeds([])
    await provision(deployment.services)
    const count = (await rows()).length
    const dry = await command('purge', '--feed', 'usage', '--dry-run', '--json')
    expect(JSON.parse(dry.out)).toMatchObject({ feed: 'usage', dryRun: true, windows: 2, rows: count })
    expect((await deployment.entries('usage')).map(({ window }) => windowId(window))).toHaveLength(2)
    const wrong = [await command('purge'), await command('purge', 'usage', '--feed', 'other')]
    expect(wrong).toMatchObject([
      { exit: 2, err: 'name the feed: purge <feed>\n' },
      { exit: 2, err: 'two feeds are named, usage and other: name one\n' },
    ])
    const done = await command('purge', 'usage')
    expect(done).toMatchObject({
      exit: 0,
      out: expect.stringMatching(new RegExp(`^usage: purged 2 windows, ${count} rows`)),
    })
    // Nothing of it goes on, and nothing of it can be paused.
    for (const action of ['pause', 'resume']) {
      const { exit, err } = await command('backfill', action)
      expect([exit, err]).toEqual([1, expect.stringMatching(/^feed usage was purged/)])
    }
    await deployment.writeFeeds([FEED])
    const waits = 'feed "usage": it was purged, and its old rows are still being removed'
    expect((await command('feeds', 'push', '--dry-run')).out).toContain(`warning: ${waits}`)
    await deployment.writeFeeds([])
    await deployment.settle('usage')
    expect(await rows()).toEqual([])
    expect(await deployment.entries('usage')).toEqual([])
  })
})
