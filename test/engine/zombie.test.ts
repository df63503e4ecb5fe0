import { afterAll, beforeAll, expect, it } from 'vitest'
import { generationAt } from '../../src/core/report/generation.ts'
import { LeaseLost } from '../../src/steps/landing/held-entry.ts'
import { createFolder } from '../memory/folder.ts'
import { HISTORIES, type History, prepare, uninterrupted } from '../memory/histories.ts'
import type { Cut } from '../memory/instance.ts'
import { createMemoryStore, type MemoryStore } from '../memory/memory-store.ts'
import { outcomeOf } from '../memory/outcome.ts'
import { createReaders } from '../memory/readers.ts'
import { reportFile } from '../memory/report-file.ts'
import { type Service, startService } from '../memory/service.ts'
import { landingsOf } from './landings.ts'

const SIDES = ['before', 'after'] as const

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
      const store = createMemoryStore({ clock: clock.now, page: 30, group: 490 })
      stores.push(store)
      return store
    },
  }
  return { place, store: () => stores[0] ?? createMemoryStore({ clock: () => new Date(0) }) }
}

/**
 * Freezes an instance in a restatement, lands what the service says now and drops what that replaced, and wakes it at one call of
 * that. `isHurried`: nobody brings to its end first what the frozen one had begun.
 */
async function wokenAt(history: History, cut: Cut | undefined, wake: number, isHurried = false) {
  const thaw = Promise.withResolvers<void>()
  const { place, store } = openPlace()
  const readers = createReaders()
  const folder = createFolder()
  const note = () => readers.note(store())
  const deployment = await prepare({ ...place, onCall: () => folder.note(store()) }, history)
  const zombie = deployment.start(cut && { ...cut, until: thaw.promise }, note)
  const end = zombie.tick().catch((error: unknown) => error)
  await (cut ? zombie.stopped : end)
  if (!isHurried) await deployment.finish(1)
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
  folder.note(store())
  const entry = (await deployment.entry())?.value
  return { ended, calls: newer.calls, readers, folder, entry, store: store(), outcome: await outcomeOf(deployment) }
}

const CHANGES = /^(table\.transaction|ledger\.(write|transaction|delete)|files\.(stage|commit|delete))$/

/** The calls that change a file, and what a reader of the ledger sees of it. */
const OF_FILES = /^(files\.(stage|commit|delete)|ledger\.transaction)$/

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
  const { outcome: expected, calls: newer } = await wokenAt(HISTORIES.restatement, undefined, 0)
  const landings = await landingsOf(service, { ...filesOfRestatement(), newer: NEWER })
  const wakes = [...changing(newer), newer.length + 1]
  const frozen = calls.slice(0, calls.indexOf('ledger.transaction') + 1)
  const landing = calls.indexOf('archive.commit')
  const cuts = changing(frozen)
    .filter((at) => at > landing)
    .flatMap((at) => wakes.flatMap((wake) => SIDES.map((side) => ({ at, side, wake }))))
  let lost = 0
  let late = 0
  const seen = new Map<string, number>()
  for (const { wake, ...cut } of cuts) {
    const { ended, entry, outcome, readers, store, calls: made } = await wokenAt(HISTORIES.restatement, cut, wake)
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

it('an owner frozen in a call that changes a file, and woken in any phase of a newer landing or after it, never puts an older file in place of a newer one', async () => {
  const { place } = openPlace()
  const { calls } = await uninterrupted(place, HISTORIES.restatedFile)
  const { outcome: expected, calls: newer } = await wokenAt(HISTORIES.restatedFile, undefined, 0)
  const landings = await landingsOf(service, { ...filesOfRestatement(), newer: NEWER })
  const wakes = [1, ...changing(newer).filter((at) => OF_FILES.test(newer[at - 1] ?? '')), newer.length + 1]
  // What comes after the entry says that nothing is owed does not change a file.
  const published = calls.indexOf('ledger.transaction') + 1
  const isFirstOrLast = (wake: number) => wake === 1 || wake > newer.length
  const waysOf = (at: number, wake: number) =>
    at <= published ? [false] : isFirstOrLast(wake) ? [true, false] : [true]
  const owed = calls.indexOf('ledger.write', calls.indexOf('files.delete')) + 1
  const frozen = changing(calls).filter((at) => at > calls.indexOf('files.create') && at <= owed)
  const cuts = frozen
    .flatMap((at) => SIDES.map((side) => ({ at, side })))
    // After other calls is before the next one.
    .filter(({ at, side }) => side === 'before' || calls[at - 1]?.startsWith('files.'))
    .flatMap((cut) => wakes.flatMap((wake) => waysOf(cut.at, wake).map((isHurried) => ({ ...cut, wake, isHurried }))))
  let lost = 0
  const seen = new Map<string, number>()
  for (const { wake, isHurried, ...cut } of cuts) {
    const { ended, outcome, folder } = await wokenAt(HISTORIES.restatedFile, cut, wake, isHurried)
    const where = `${isHurried ? 'in a hurry ' : ''}frozen ${cut.side} call ${cut.at}, ${calls[cut.at - 1]}, woken at ${wake}, ${newer[wake - 1] ?? 'the end'}`
    lost += Number(ended instanceof LeaseLost)
    const order = (await folder.seen(landings)).join(', ')
    seen.set(order, (seen.get(order) ?? 0) + 1)
    const ways = ['none, first, second, newer', ...(isHurried ? ['none, first, newer'] : [])]
    expect(ways, where).toContain(order)
    expect([outcome.files, outcome.owed], where).toEqual([expected.files, undefined])
  }
  expect(lost).toBeGreaterThan(0)
  expect(seen.size).toBe(2)
  console.info(`${cuts.length} zombies with files, ${lost} of which found their lease lost; readers saw:`, seen)
}, 300_000)

function filesOfRestatement() {
  const [first, second] = HISTORIES.restatement.files
  return { first, second }
}
