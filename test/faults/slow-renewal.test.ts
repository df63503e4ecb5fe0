import { expect, it, onTestFinished } from 'vitest'
import { toReplayed } from '../../src/core/ledger/transitions.ts'
import { newGeneration } from '../../src/core/report/generation.ts'
import type { Ledger } from '../../src/services/storage/ledger.ts'
import { holdEntry, LeaseLost } from '../../src/steps/landing/held-entry.ts'
import { costsWorld, storedOnly, turn } from './steer.ts'

it('a renewal that takes more than half a lease does not hold: another instance may take over by then', async () => {
  const world = await costsWorld()
  await turn(world)
  const { ledger } = world.services
  const { value: entry, etag } = await storedOnly(world)
  const generation = newGeneration(world.services.newId)
  const askedFor = { rowSet: 'rows', selection: 'columns' }
  const asked = { reportName: '', queryId: 'query', asked: askedFor, requestedAt: world.clock.now() }
  const archived = { executionId: 'run', origin: 'service', archive: 'costs/none.csv' } as const
  const held = { ...asked, ...archived, reportId: 'report', hash: 'hash', generation }
  const landing = toReplayed(entry, held, world.clock.now())
  const written = await ledger.write(landing, etag)
  if (!written) throw new Error('the entry changed')
  const slow: Ledger = {
    ...ledger,
    async write(next, under, drops) {
      world.clock.advance(60_001)
      return ledger.write(next, under, drops)
    },
  }
  const lease = { ledger: slow, clock: world.clock.now, leaseMs: 120_000, table: 'Costs' }
  const owner = holdEntry(written, lease)
  onTestFinished(() => owner.release())
  owner.assertHeld()
  await owner.update({})
  expect(() => owner.assertHeld()).toThrow(LeaseLost)
})
