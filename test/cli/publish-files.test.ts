import { afterAll, beforeAll, expect, it } from 'vitest'
import { reportRequests } from '../setup/insights.ts'
import { storageOf } from '../setup/storage.ts'
import { type Deployment, startDeployment } from './deployment.ts'

const USAGE = {
  name: 'usage',
  dataset: 'AzureUsage',
  columns: ['Month', 'CustomerName', 'UsageQuantity'],
  from: '2025-03-01',
  to: '2025-06-01',
  refresh: false,
}
const PROFILE = { name: 'profile', dataset: 'Profile', snapshot: 'P7D' }
const PUBLISH = { publish: ['table', 'parquet'] }

let deployment: Deployment
beforeAll(async () => {
  deployment = await startDeployment([USAGE, PROFILE])
  await deployment.run('usage')
  await deployment.settle('profile')
})
afterAll(() => deployment.close())

const backfill = (...args: readonly string[]) => deployment.command(['backfill', '--publish', ...args])

async function files(): Promise<readonly string[]> {
  const published = storageOf(deployment.azurite.connectionString).container('published')
  return (await published.exists()) ? Array.fromAsync(published.listBlobsFlat(), ({ name }) => name) : []
}

it('says how a feed publishes files where none does', async () => {
  expect(await backfill()).toMatchObject({ exit: 1, err: expect.stringContaining('no feed publishes files') })
  expect(await backfill('--feed', 'usage')).toMatchObject({
    exit: 1,
    err: expect.stringContaining('feed usage publishes no files: give it "publish": ["table", "parquet"]'),
  })
  expect(await backfill('--feed', 'nobody')).toMatchObject({ exit: 1, err: expect.stringContaining('nobody') })
})

it('goes with few other options', async () => {
  for (const other of [['--failed'], ['--all'], ['--watch'], ['pause']]) {
    expect(await backfill(...other)).toMatchObject({ exit: 2, err: expect.stringContaining('--publish goes with') })
  }
})

it('writes the files of what landed before, of some time or of all, also of snapshots, and asks the service nothing', async () => {
  await deployment.writeFeeds([
    { ...USAGE, ...PUBLISH },
    { ...PROFILE, ...PUBLISH },
  ])
  await deployment.run('usage')
  const asked = reportRequests(deployment.simulator).length
  const status = (await deployment.command(['status'])).out
  expect(status).toContain('3 windows have no file: see "backfill --publish --feed usage"')
  expect((await backfill('--feed', 'usage', '--dry-run')).out).toContain('usage: 3 windows would land again')
  expect(await files()).toEqual([])

  expect(await backfill('--from', '2025-04-01', '--to', '2025-05-01')).toMatchObject({
    exit: 0,
    out: expect.stringContaining('usage: 1 window lands again from its archive, with a file'),
  })
  await deployment.settle('usage')
  expect(await files()).toEqual(['Usage/2025-04-01_2025-05-01.parquet'])

  const { feeds } = JSON.parse((await backfill('--json')).out)
  expect(feeds).toMatchObject([
    { feed: 'profile', landing: [expect.any(String)] },
    { feed: 'usage', landing: ['20250301T000000Z_20250401T000000Z', '20250501T000000Z_20250601T000000Z'] },
  ])
  await deployment.settle('usage')
  await deployment.settle('profile')
  expect(await files()).toEqual([
    expect.stringMatching(/^Profile\/\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d\.parquet$/),
    'Usage/2025-03-01_2025-04-01.parquet',
    'Usage/2025-04-01_2025-05-01.parquet',
    'Usage/2025-05-01_2025-06-01.parquet',
  ])
  expect(reportRequests(deployment.simulator)).toHaveLength(asked)
})
