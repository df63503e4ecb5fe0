import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DAY_MS } from '../../src/core/time/durations.ts'
import { parseWindowId, windowId } from '../../src/core/time/window.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Act, History } from '../laws/history.ts'
import { play } from '../laws/play.ts'
import { type Downloads, HEALTHY, startDownloads } from '../laws/service.ts'
import type { World } from '../setup/world.ts'
import { fileOf, HALF_A_YEAR, named, worldOf } from './one-window.ts'

// The cases of two owners of one time. `test/laws` holds the law: over any history, windows of a feed never overlap.

let downloads: Downloads
beforeAll(async () => {
  downloads = await startDownloads()
})
afterAll(() => downloads.close())

const LINE = { name: 'usage', account: 'default', from: '2025-12-15', to: '2025-12-29', enabled: true } as const
const FORTNIGHT = Array.from({ length: 14 }, (_, nth) => Date.parse(LINE.from) + nth * DAY_MS)

const tick: Act = { kind: 'provision', skewDays: 0 }
const toDays: Act = { kind: 'feeds', file: { lines: [{ ...LINE, window: 'P1D' }], snapshots: false } }

/** While two ticks run, a person changes the windows of the feed from weeks to days; then the app works for eight days. */
const changedWhileTicking = (seed: number): History => ({
  file: { lines: [{ ...LINE, window: 'P1W' }], snapshots: false },
  rounds: [{ health: HEALTHY, acts: [tick, toDays, tick], quietDays: 8, later: 0 }],
  seed,
})

describe('the case of two ticks around a change of window from P1W to P1D', () => {
  it('lands each day once, whatever the order of their calls', async () => {
    const cuts = new Set<string>()
    for (let seed = 0; seed < 40; seed += 1) {
      const { deployment } = await play(changedWhileTicking(seed), downloads)
      const entries = deployment.store.lookAtEntries(LINE.name)
      const ofDay = (day: number) => entries.filter(({ window }) => +window.from <= day && day < +window.to)
      const landed = FORTNIGHT.map((day) => ofDay(day).map(({ state }) => state))
      expect(landed, `seed ${seed}`).toEqual(FORTNIGHT.map(() => ['landed']))
      expect(deployment.store.look('Usage'), `seed ${seed}`).toHaveLength(entries.length)
      cuts.add(String(entries.length))
    }
    // Weeks in some, days in others, and some of both.
    expect(cuts.size).toBeGreaterThan(2)
  })
})

const QUARTER = '20250101T000000Z_20250401T000000Z'

/** Imports a quarter, while `meanwhile` happens as its file is uploaded. */
async function importQuarter({ services }: World, meanwhile: () => Promise<unknown>) {
  async function* bytes() {
    await meanwhile()
    yield fileOf(['Contoso'])
  }
  const window = parseWindowId(QUARTER)
  if (!window) throw new Error('no window')
  return importReport(services, 'usage', window, { name: 'quarter.csv', bytes })
}

const windowsOf = async (world: World) => (await world.entries()).map(({ window }) => windowId(window))

describe('the case of a tick during the upload of an imported quarter', () => {
  it('gives the time to the tick, which was first: the import says so, and lands nothing', async () => {
    const world = await worldOf({ feeds: [HALF_A_YEAR] })
    await provision({ ...world.services, readFeeds: async () => ({ text: NOT_YET, source: 'package' }) })
    const imported = await importQuarter(world, () => provision(world.services))
    expect(imported).toEqual({ problem: expect.stringContaining('overlaps a window') })
    await world.drain()
    const months = (await windowsOf(world)).map((id) => id.slice(0, 6))
    expect(months).toEqual(['202502', '202503', '202504', '202505', '202506'])
    expect(named(world, 'window.landed')).toEqual([])
  })

  it('gives the time to the import where the tick asked for other months: both go on', async () => {
    const world = await worldOf({ feeds: [HALF_A_YEAR] })
    await provision({ ...world.services, readFeeds: async () => ({ text: LATER, source: 'package' }) })
    const meanwhile = () =>
      provision({ ...world.services, readFeeds: async () => ({ text: NOT_YET, source: 'package' }) })
    expect(await importQuarter(world, meanwhile)).toMatchObject({ attempt: 1 })
    expect((await windowsOf(world)).map((id) => id.slice(0, 6))).toEqual(['202501', '202506', '202507'])
  })

  it('gives the time to the import where the tick comes after it: the tick asks for the other months alone', async () => {
    const world = await worldOf({ feeds: [HALF_A_YEAR] })
    await provision({ ...world.services, readFeeds: async () => ({ text: NOT_YET, source: 'package' }) })
    expect(await importQuarter(world, async () => undefined)).toMatchObject({ attempt: 1 })
    await provision(world.services)
    expect((await windowsOf(world)).map((id) => id.slice(0, 6))).toEqual(['202501', '202504', '202505', '202506'])
  })
})

/** The feed before it asks for June, and before it asks for anything. */
const LATER = JSON.stringify({ feeds: [{ ...HALF_A_YEAR, from: '2025-07-01', to: '2025-08-01' }] })
const NOT_YET = JSON.stringify({ feeds: [{ ...HALF_A_YEAR, from: '2025-06-01' }] })
