import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { waitUntil } from '../../local/processes.ts'
import { createAzuriteStore } from '../memory/azurite-store.ts'
import { createDeployment } from '../memory/deployment.ts'
import { type Service, startService } from '../memory/service.ts'

const ROWS = 200_000

let azurite: Azurite
let service: Service
beforeAll(async () => {
  // An Azurite of its own: so many rows would slow down the tests that share it.
  azurite = await startAzurite()
  service = await startService()
})
afterAll(async () => {
  await service.close()
  await azurite.stop()
})

function hugeFile(): Buffer {
  const lines = Array.from({ length: ROWS }, (_, number) => `2025-05-01,customer ${number},${number}.5`)
  return Buffer.from(['Month,CustomerName,UsageQuantity', ...lines, ''].join('\r\n'))
}

it('200,000 rows land in many short invocations, each exactly once', async () => {
  const store = createAzuriteStore(azurite.connectionString)
  let invocations = 0
  const receive = async () => {
    const taken = await store.receive()
    invocations += Number(taken !== undefined)
    return taken
  }
  const deployment = createDeployment({
    service,
    store: () => ({ ...store, receive }),
    file: hugeFile(),
    feed: { shards: 512 },
    settings: { ingestTimeLimitMs: 3_000 },
  })
  const running = deployment.start()
  const started = performance.now()
  const stopClock = keepTime(deployment.clock)
  const isLanded = async () => {
    await running.tick()
    return (await deployment.entry())?.value.state === 'landed'
  }
  await waitUntil('the report has landed', isLanded, 150_000)
  stopClock()
  const landed = performance.now() - started
  const figures = (await deployment.entry())?.value.figures
  expect(figures).toMatchObject({ attempt: 1, rowsRead: ROWS, rowsLanded: ROWS, rowsRejected: 0 })
  expect(invocations).toBeGreaterThan(3)
  const rows = await deployment.store.rows('Usage')
  expect(rows).toHaveLength(ROWS)
  const wrong = rows.filter(
    ({ RowKey, CustomerName, UsageQuantity, _line }, number) =>
      Number(RowKey) !== number ||
      CustomerName !== `customer ${number}` ||
      UsageQuantity !== number + 0.5 ||
      _line !== number + 2,
  )
  expect(wrong.slice(0, 3)).toEqual([])
  expect(new Set(rows.map(({ PartitionKey }) => PartitionKey)).size).toBe(512)
  console.info(
    `${ROWS} rows landed in ${Math.round(landed)} ms, ${figures?.operations} transactions, ${invocations} invocations`,
  )
}, 180_000)

/** Moves the clock of a deployment with real time. The function that it gives ends that. */
function keepTime(clock: { advance(milliseconds: number): void }): () => void {
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    clock.advance(now - last)
    last = now
  }, 20)
  return () => clearInterval(timer)
}
