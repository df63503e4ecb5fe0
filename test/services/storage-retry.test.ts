import { TableClient } from '@azure/data-tables'
import fc from 'fast-check'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { proxiedConnectionString, serviceOrigins, startProxy } from '../../local/proxy.ts'
import { openLandingTable } from '../../src/services/storage/landing-table.ts'
import { retryLimits } from '../../src/services/storage/retry-policy.ts'
import { freshName } from '../setup/storage.ts'

const SECOND = 1000

/** Below this a quarter of the lease would be shorter than a busy emulator takes. */
const SHORTEST_LEASE = 20 * SECOND

const anyLease = fc.integer({ min: SHORTEST_LEASE, max: 3600 * SECOND })

describe('the limits of storage calls', () => {
  it('let a call end within a quarter of the lease and within 30 s, whatever the lease', () => {
    fc.assert(
      fc.property(anyLease, (leaseMs) => {
        const { callMs } = retryLimits(leaseMs)
        expect(callMs).toBeLessThanOrEqual(leaseMs / 4)
        expect(callMs).toBeLessThanOrEqual(30 * SECOND)
      }),
    )
  })

  it('leave a call no shorter than it must be: all of the quarter, up to 30 s', () => {
    fc.assert(fc.property(anyLease, (leaseMs) => retryLimits(leaseMs).callMs === Math.min(leaseMs / 4, 30 * SECOND)))
    expect(retryLimits(120 * SECOND)).toMatchObject({ callMs: 30 * SECOND, tryMs: 10 * SECOND })
  })

  it('let one try take no longer than its call, and no longer than 10 s', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3600 * SECOND }), (leaseMs) => {
        const { callMs, tryMs } = retryLimits(leaseMs)
        expect(tryMs).toBe(Math.min(callMs, 10 * SECOND))
      }),
    )
  })

  it('give a busy emulator 5 s even under the short leases of tests', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SHORTEST_LEASE }), (leaseMs) => retryLimits(leaseMs).callMs === 5000),
    )
  })
})

it('a landing table that nobody answers is given up within a quarter of the lease', async () => {
  const proxy = await startProxy({ target: serviceOrigins(inject('storage')).table, onRequest: () => 'hang' })
  onTestFinished(() => proxy.close())
  const storage = proxiedConnectionString(inject('storage'), { table: proxy.origin })
  const client = TableClient.fromConnectionString(storage, freshName('rows'), { allowInsecureConnection: true })
  const began = performance.now()
  await expect(openLandingTable(client, retryLimits(SHORTEST_LEASE)).create()).rejects.toThrow()
  const took = performance.now() - began
  expect(took).toBeGreaterThan(SHORTEST_LEASE / 8)
  // Half the lease is when the writer itself stops; a quarter and what a busy machine adds stay below.
  expect(took).toBeLessThan(SHORTEST_LEASE / 2)
})
