import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generationAt } from '../../src/core/report/generation.ts'
import { createDeployment } from '../memory/deployment.ts'
import { HISTORIES, type History } from '../memory/histories.ts'
import type { Cut } from '../memory/instance.ts'
import { createMemoryStore, type MemoryStore } from '../memory/memory-store.ts'
import { createReaders } from '../memory/readers.ts'
import { type Service, startService } from '../memory/service.ts'
import { landingsOf } from './landings.ts'

let service: Service
beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.close())

/** Most of its rows cannot land: it is refused by its check. */
const BROKEN = Buffer.from(['Month,CustomerName,UsageQuantity', ...Array(9).fill('2025-05-01,a,many'), ''].join('\r\n'))

type Played = { readonly history: History; readonly refresh?: Buffer; readonly cut?: Cut }

/** Plays a history while readers look on, and gives what they got and what stands after quiet. */
async function watched({ history, refresh, cut }: Played) {
  const [first, second = refresh] = history.files
  const { ingestTimeLimitMs } = history
  const stores: MemoryStore[] = []
  const store = (clock: { now(): Date }) => {
    const made = createMemoryStore({ clock: clock.now, block: 64 * 1024, page: 30 })
    stores.push(made)
    return made
  }
  const settings = ingestTimeLimitMs === undefined ? {} : { ingestTimeLimitMs }
  const deployment = createDeployment({ service, store, file: first, settings })
  const readers = createReaders()
  const note = () => stores.forEach((each) => void readers.note(each))
  const work = async (of?: Cut) => {
    const running = deployment.start(of, note)
    await Promise.race([running.tick().then(() => deployment.drop(running)), running.stopped])
    return running.calls
  }
  let calls = await work(second ? undefined : cut)
  if (second) {
    await deployment.askAgain(second)
    calls = await work(cut)
  }
  if (cut) await deployment.finish(second ? 1 : 0)
  note()
  const entry = (await deployment.entry())?.value
  const generations = (stores[0]?.look('Usage') ?? []).map(({ partitionKey }) => generationAt(partitionKey)?.generation)
  return { calls, readers, entry, generations: [...new Set(generations)] }
}

const RESTATED = { files: HISTORIES.continuedRestatement.files }

const CASES: readonly (readonly [string, Played, readonly string[]])[] = [
  ['a first landing', { history: HISTORIES.first }, ['first', 'none']],
  ['a restatement', { history: HISTORIES.restatement }, ['first', 'none', 'second', 'start over']],
  [
    'a restatement in continuations',
    { history: HISTORIES.continuedRestatement },
    ['none', 'start over', 'wide', 'wide second'],
  ],
  ['a refresh that fails', { history: HISTORIES.first, refresh: BROKEN }, ['first', 'none']],
]

describe('a reader who asks the ledger, at any moment and as slow as may be', () => {
  const landings = async () => {
    const [first, second] = HISTORIES.restatement.files
    const [wide, less] = RESTATED.files
    return landingsOf(service, { first, second, wide, 'wide second': less })
  }

  it.each(CASES)('gets one complete landing, none, or a sign to start over, in %s', async (_, played, expected) => {
    const { readers, entry, generations } = await watched(played)
    expect([...new Set(readers.readings(await landings()))].sort()).toEqual(expected)
    expect(generations).toEqual([entry?.figures?.generation])
  })

  it('does so too where an owner is abandoned at any of its calls and another takes over', async () => {
    const whole = await landings()
    const { calls } = await watched({ history: HISTORIES.restatement })
    const from = calls.indexOf('table.create')
    const ats = calls.flatMap((call, index) => (index >= from && call !== calls[index - 1] ? [index + 1] : []))
    for (const at of ats) {
      for (const side of ['before', 'after'] as const) {
        const { readers, entry, generations } = await watched({ history: HISTORIES.restatement, cut: { at, side } })
        const where = `${side} call ${at}, ${calls[at - 1]}`
        expect(new Set(readers.readings(whole)), where).not.toContain('torn')
        expect(generations, where).toEqual([entry?.figures?.generation])
        expect(entry, where).toMatchObject({ state: 'landed', figures: { rowsLanded: 168, rowsRead: 171 } })
      }
    }
    expect(ats.length).toBeGreaterThan(10)
  }, 180_000)
})
