import { afterAll, beforeAll, expect, it } from 'vitest'
import { generationAt } from '../../src/core/report/generation.ts'
import { LeaseLost } from '../../src/steps/landing/held-entry.ts'
import { HISTORIES, prepare, uninterrupted } from '../memory/histories.ts'
import type { Cut } from '../memory/instance.ts'
import { createMemoryStore, type MemoryStore } from '../memory/memory-store.ts'
import { outcomeOf } from '../memory/outcome.ts'
import { createReaders } from '../memory/readers.ts'
import { reportFile } from '../memory/report-file.ts'
import { type Service, startService } from '../memory/service.ts'
import { landingsOf } from './landings.ts'

let service: Service
beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.close())

/** Shorter than what the zombie lands: what it writes beyond must not show either. One of its rows takes two lines, and is a reject. */
const NEWER = reportFile(140, 'newer')

/** Opens the store of one deployment, whose content can be looked at. */
function openPlace() {
  const stores: MemoryStore[] = []
  const place = {
    service,
    store: (clock: { now(): Date }) => {
      const store = createMemoryStore({ clock: clock.now, page: 30 })
      stores.push(store)
      return store
    },
  }
  return { place, store: () => stores[0] ?? createMemoryStore({ clock: () => new Date(0) }) }
}

/** Freezes an instance in a restatement, lands what the service says now and drops what that replaced, and wakes it at one call of that. */
async function wokenAt(cut: Cut | undefined, wake: number) {
  const thaw = Promise.withResolvers<void>()
  const { place, store } = openPlace()
  const deployment = await prepare(place, HISTORIES.restatement)
  const readers = createReaders()
  const note = () => readers.note(store())
  const zombie = deployment.start(cut && { ...cut, until: thaw.promise }, note)
  const end = zombie.tick().catch((error: unknown) => error)
  await (cut ? zombie.stopped : end)
  await deployment.finish(1)
  await deployment.askAgain(NEWER)
  const newer = deployment.start(undefined, (n) => {
    note()
    if (n === wake) thaw.resolve()
  })
  await newer.tick()
  await deployment.drop(newer)
  thaw.resolve()
  const ended = await end
  note()
  // What it took up when it woke is brought to its end too.
  await deployment.finish(2)
  note()
  const entry = (await deployment.entry())?.value
  return { ended, calls: newer.calls, readers, entry, store: store(), outcome: await outcomeOf(deployment) }
}

const CHANGES = /^(table\.transaction|ledger\.(write|transaction|delete))$/

/** The numbers of the calls that change something; of many alike in a row only the first and the last. */
function changing(calls: readonly string[]): readonly number[] {
  return calls.flatMap((call, index) => {
    const isInside = call === calls[index - 1] && call === calls[index + 1]
    return CHANGES.test(call) && !isInside ? [index + 1] : []
  })
}

it('an owner frozen in any phase, and woken in any phase of a newer landing or after it, shows no reader a row', async () => {
  const { place } = openPlace()
  const { calls } = await uninterrupted(place, HISTORIES.restatement)
  const { outcome: expected, calls: newer } = await wokenAt(undefined, 0)
  const landings = await landingsOf(service, { ...filesOfRestatement(), newer: NEWER })
  const wakes = [...changing(newer), newer.length + 1]
  const frozen = calls.slice(0, calls.indexOf('ledger.transaction') + 1)
  const landing = calls.indexOf('archive.commit')
  const cuts = changing(frozen)
    .filter((at) => at > landing)
    .flatMap((at) => wakes.flatMap((wake) => (['before', 'after'] as const).map((side) => ({ at, side, wake }))))
  let lost = 0
  let late = 0
  const seen = new Map<string, number>()
  for (const { wake, ...cut } of cuts) {
    const { ended, entry, outcome, readers, store, calls: made } = await wokenAt(cut, wake)
    const where = `frozen ${cut.side} call ${cut.at}, ${calls[cut.at - 1]}, woken at ${wake}, ${newer[wake - 1] ?? 'the end'}`
    lost += Number(ended instanceof LeaseLost)
    const readings = readers.readings(landings)
    for (const reading of readings) seen.set(reading, (seen.get(reading) ?? 0) + 1)
    expect(readings, where).not.toContain('torn')
    expect(entry?.state, where).toBe('landed')
    const published = entry?.figures?.generation
    const secondLook = made.lastIndexOf('table.list') + 1
    const others = store
      .look('Usage')
      .filter(({ partitionKey }) => generationAt(partitionKey)?.generation !== published)
    // A request that was on its way for longer than an hour comes after the second look: the weekly audit drops its rows.
    late += others.length
    if (wake <= secondLook) expect(others.length, where).toBe(0)
    const own = outcome.rows.filter(({ _attempt }) => _attempt === 'of the figures')
    expect([own, outcome.figures], where).toEqual([expected.rows, expect.objectContaining({ rowsRead: 141 })])
  }
  expect(lost).toBeGreaterThan(0)
  expect([...seen.keys()].sort()).toEqual(['first', 'newer', 'second', 'start over'])
  console.info(
    `${cuts.length} zombies, ${lost} of which found their lease lost; ${late} late rows, seen by no reader:`,
    seen,
  )
}, 300_000)

function filesOfRestatement() {
  const [first, second] = HISTORIES.restatement.files
  return { first, second }
}
