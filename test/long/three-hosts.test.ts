import { randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { makeSiteApp, type Site, startSite } from '../setup/host-process.ts'
import { feedsOf, firstFeeds } from './feeds.ts'
import { historyOf } from './history.ts'
import { type Hosts, startHosts } from './hosts.ts'
import { play } from './play.ts'
import { quiet, settled } from './quiet.ts'
import { watch } from './reader.ts'

const SEED = Number(process.env.LONG_SEED ?? randomInt(2 ** 31))

/** A history of some minutes, and what the hosts need to come to rest after it. */
const TEST_MILLISECONDS = 15 * 60_000

/** Reports of twenty rows a day or month, made while a tick asks for the next ones. */
const SIMULATOR = { rows: 20, generationMilliseconds: 300 }

/** Short leases and many reports. A request may take seconds while three hosts start: it is not lost for that. */
const PACE = {
  PROVISION_SCHEDULE: '*/2 * * * * *',
  SWEEP_SCHEDULE: '*/4 * * * * *',
  ADOPT_AFTER: 'PT8S',
  LEASE: 'PT6S',
  MAX_IN_FLIGHT: '8',
  MAX_REPORTS_PER_HOUR: '5000',
}

let azurite: Azurite
let app: string
let site: Site | undefined
let hosts: Hosts | undefined

const FEEDS = firstFeeds(new Date())

beforeAll(async () => {
  azurite = await startAzurite()
  app = await makeSiteApp(feedsOf(FEEDS))
})
afterEach(async () => {
  await hosts?.close()
  const left = await site?.close()
  expect(left ?? []).toEqual([])
})
afterAll(async () => {
  await rm(app, { recursive: true })
  await azurite.stop()
})

test(
  'three hosts, killed in turn while feeds change and files are imported, keep every law',
  async () => {
    console.info(`LONG_SEED=${SEED} plays this history again`)
    site = await startSite({ azurite, app, simulator: SIMULATOR, settings: PACE })
    hosts = await startHosts(site, azurite)
    const stage = { site, hosts, connectionString: azurite.connectionString }
    const played = play(stage, historyOf(SEED), FEEDS)
    const sources = { simulator: site.simulator, files: played.files }
    let isOver = false
    const sights = watch({ ...stage, seed: SEED, sources, feeds: played.feeds, isOver: () => isOver })
    const quieted = played.end
      .then(() => quiet(stage, played))
      .finally(() => {
        isOver = true
      })
    const [seen] = await Promise.all([sights, quieted])
    await hosts.stop()
    expect(await settled(stage, played)).toEqual([])
    console.info(JSON.stringify({ ...seen, ...played.tally }))
    const { kill, change, import: imported, restate, replay } = played.tally
    expect([seen.landings, kill, change, imported, restate, replay], 'nothing was left out').not.toContain(0)
  },
  TEST_MILLISECONDS,
)
