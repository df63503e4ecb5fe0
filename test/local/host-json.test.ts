import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseHostJson, readHostJson } from '../../local/host/host-json.ts'

const queues = (values: object) => JSON.stringify({ extensions: { queues: values } })

test('an empty host.json is all defaults', () => {
  expect(parseHostJson('{}')).toMatchObject({
    routePrefix: 'api',
    functionTimeoutMilliseconds: 30 * 60_000,
    queues: { batchSize: 16, visibilityTimeoutMilliseconds: 0, maxDequeueCount: 5 },
  })
})

test.each([
  ['00:00:01', 1000],
  ['00:20:00', 1_200_000],
  ['23:59:59', 86_399_000],
  ['1.00:00:00', 86_400_000],
  ['00:00:00.2', 200],
  ['00:00:00.2000000', 200],
])('the time span %s is %i ms', (text, milliseconds) => {
  expect(parseHostJson(JSON.stringify({ functionTimeout: text })).functionTimeoutMilliseconds).toBe(milliseconds)
})

test('a functionTimeout of -1 is no limit', () => {
  expect(parseHostJson('{ "functionTimeout": "-1" }').functionTimeoutMilliseconds).toBeUndefined()
})

test('a route prefix can be empty', () => {
  expect(parseHostJson('{ "extensions": { "http": { "routePrefix": "" } } }').routePrefix).toBe('')
})

test.each([
  ['{', 'host.json is not JSON'],
  ['{ "functionTimeout": "20 minutes" }', 'functionTimeout is not a time span'],
  [queues({ batchSize: 33 }), 'batchSize'],
  [queues({ batchSize: 0 }), 'batchSize'],
  [queues({ maxDequeueCount: 0 }), 'maxDequeueCount'],
  [queues({ newBatchThreshold: -1 }), 'newBatchThreshold'],
  [queues({ newBatchThreshold: 1.5 }), 'newBatchThreshold'],
  [queues({ visibilityTimeout: 60 }), 'visibilityTimeout'],
])('%s is refused by name', (text, message) => {
  expect(() => parseHostJson(text)).toThrow(message)
})

test('a host.json may begin with a byte order mark', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'host-'))
  await writeFile(join(folder, 'host.json'), '\uFEFF{ "functionTimeout": "00:00:01" }')
  expect(readHostJson(folder).functionTimeoutMilliseconds).toBe(1000)
})
