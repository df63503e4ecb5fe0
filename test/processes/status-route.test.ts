import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { waitUntil } from '../../local/processes.ts'
import { STATUS_FIELDS, type StatusAnswer, WINDOW_FIELDS } from '../../src/core/status/fields.ts'
import { runCommand } from '../cli/deployment.ts'
import { answerFaults } from '../setup/answer-faults.ts'
import { type HostRun, makeSiteApp, type Site, startSite } from '../setup/host-process.ts'
import { LEAP_DAY } from '../setup/settings.ts'
import { monthsBack } from './landed.ts'

const FEED = {
  name: 'azure-usage',
  dataset: 'AzureUsage',
  from: monthsBack(4),
  to: monthsBack(1),
  columns: ['Month', 'SubscriptionId', 'UsageQuantity'],
  refresh: false,
}

let azurite: Azurite
let app: string
let site: Site
let host: HostRun

beforeAll(async () => {
  azurite = await startAzurite()
  app = await makeSiteApp([FEED])
  // Nothing changes between two looks: no timer fires by itself.
  const settings = { PROVISION_SCHEDULE: LEAP_DAY, SWEEP_SCHEDULE: LEAP_DAY }
  site = await startSite({ azurite, app, simulator: { rows: 20 }, settings })
  site.simulator.fault({ endpoint: 'createReport', nth: 2, effect: { status: 403 } })
  host = site.startHost()
  await waitUntil('the host answers', () => isUp(host))
  await host.run('provision')
  await waitUntil('nothing is under way', async () => {
    const { feeds, queue } = await statusOf(host)
    const [states] = feeds.map((feed) => feed.states)
    return states?.landed === 1 && states.failed === 1 && queue.messages === 0
  })
  await host.run('sweep')
}, 120_000)
afterAll(async () => {
  await site.close()
  await rm(app, { recursive: true })
  await azurite.stop()
})

const isUp = ({ get }: HostRun) =>
  get('health').then(
    ({ ok }) => ok,
    () => false,
  )

async function statusOf({ get }: HostRun): Promise<StatusAnswer> {
  return (await (await get('status')).json()) as StatusAnswer
}

test('GET status and status --json give the same bytes but for the time, and they are as the table of fields says', async () => {
  const answer = await host.get('status')
  expect(answer.headers.get('content-type')).toBe('application/json')
  const bytes = await answer.text()
  const feeds = join(app, 'dist/feeds.json')
  const { exit, out, err } = await runCommand(app, ['status', '--json', '--feeds', feeds], host.env)
  expect({ exit, err }).toEqual({ exit: 0, err: '' })
  const [answered, printed] = [bytes, out].map((text) => JSON.parse(text) as StatusAnswer)
  expect(answerFaults(STATUS_FIELDS, answered)).toEqual([])
  expect(answered?.feeds[0]?.windows.map(({ state }) => state).toSorted()).toContain('failed')
  expect(new Date(printed?.at ?? '').getTime()).toBeGreaterThan(new Date(answered?.at ?? '').getTime())
  expect(out).toBe(`${bytes.replace(`"at":"${answered?.at}"`, `"at":"${printed?.at}"`)}\n`)
})

test('GET status/{feed}/{window} is as its table of fields says for each window', async () => {
  const [feed] = (await statusOf(host)).feeds
  expect(feed?.windows.length).toBeGreaterThan(1)
  for (const { id } of feed?.windows ?? []) {
    const answer = await (await host.get(`status/${FEED.name}/${id}`)).json()
    expect(answerFaults(WINDOW_FIELDS, answer)).toEqual([])
  }
})
