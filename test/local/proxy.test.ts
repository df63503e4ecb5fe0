import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { TableClient } from '@azure/data-tables'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueClient } from '@azure/storage-queue'
import { afterEach, expect, inject, onTestFinished, test } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import {
  type ProxyEffect,
  proxiedConnectionString,
  type ServiceOrigins,
  type StorageProxy,
  serviceOrigins,
  startProxy,
} from '../../local/proxy.ts'
import { freshName } from '../setup/storage.ts'

const ONCE = { retryOptions: { maxRetries: 0 }, allowInsecureConnection: true }
const storage = inject('storage')
const direct = (name: string) => TableClient.fromConnectionString(storage, name, ONCE)

let proxy: StorageProxy
afterEach(() => proxy.close())

/** Stands before one service, and has the effect on the calls of a method that touch the entity `r`. */
async function standBefore(service: keyof ServiceOrigins, effect: ProxyEffect = 'pass'): Promise<string> {
  const target = serviceOrigins(storage)[service]
  proxy = await startProxy({ target, onRequest: ({ body }) => (body?.includes('"RowKey":"r"') ? effect : 'pass') })
  return proxiedConnectionString(storage, { [service]: proxy.origin })
}

async function proxiedTable(effect?: ProxyEffect): Promise<TableClient> {
  const table = TableClient.fromConnectionString(await standBefore('table', effect), freshName('proxied'), ONCE)
  await table.createTable()
  return table
}

async function count(table: TableClient): Promise<number> {
  let rows = 0
  for await (const _ of direct(table.tableName).listEntities()) rows += 1
  return rows
}

const entity = { partitionKey: 'p', rowKey: 'r', text: 'Grüße, 東京 😀' }

test('a call that passes arrives signed and whole, and is counted', async () => {
  const table = await proxiedTable()
  await table.createEntity(entity)
  expect(await direct(table.tableName).getEntity('p', 'r')).toMatchObject({ text: entity.text })
  expect(proxy.count()).toBe(2)
  expect(proxy.requests[1]).toMatchObject({ n: 2, method: 'POST' })
  expect(proxy.requests[1]?.path).toContain(table.tableName)
  expect(proxy.requests[1]?.body).toContain(entity.text)
})

test('a transaction passes whole', async () => {
  const table = await proxiedTable()
  await table.submitTransaction([
    ['upsert', { partitionKey: 'p', rowKey: '1' }, 'Replace'],
    ['upsert', { partitionKey: 'p', rowKey: '2' }, 'Replace'],
  ])
  expect(await count(table)).toBe(2)
})

test('a call cut before never reaches storage', async () => {
  const table = await proxiedTable('before')
  await expect(table.createEntity(entity)).rejects.toThrow()
  expect(await count(table)).toBe(0)
})

test('a call cut after is done, and its caller does not hear of it', async () => {
  const table = await proxiedTable('after')
  await expect(table.createEntity(entity)).rejects.toThrow()
  expect(await count(table)).toBe(1)
})

test('a call that hangs is done and never answered, and the end of the proxy cuts it', async () => {
  const table = await proxiedTable('hang')
  let answered = false
  const call = table.createEntity(entity).then(
    () => 'answered',
    () => 'cut',
  )
  void call.then(() => {
    answered = true
  })
  await waitUntil('the row is there', async () => (await count(table)) === 1)
  expect(answered).toBe(false)
  await proxy.close()
  expect(await call).toBe('cut')
  await standBefore('table')
})

test('a call is held back until it is decided about, and others are not', async () => {
  const decided = Promise.withResolvers<ProxyEffect>()
  const target = serviceOrigins(storage).table
  proxy = await startProxy({ target, onRequest: ({ body }) => (body?.includes('"r"') ? decided.promise : 'pass') })
  const connection = proxiedConnectionString(storage, { table: proxy.origin })
  const table = TableClient.fromConnectionString(connection, freshName('proxied'), ONCE)
  await table.createTable()
  const held = table.createEntity(entity)
  await waitUntil('the call has come', () => proxy.count() === 2)
  await table.createEntity({ ...entity, rowKey: 'other' })
  expect(await count(table)).toBe(1)
  decided.resolve('pass')
  await held
  expect(await count(table)).toBe(2)
})

test('blobs and queues pass signed as well, bytes unchanged', async () => {
  const container = BlobServiceClient.fromConnectionString(await standBefore('blob')).getContainerClient(freshName('c'))
  await container.create()
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  await container.getBlockBlobClient('a b/ü.csv').uploadData(bytes)
  expect(await container.getBlobClient('a b/ü.csv').downloadToBuffer()).toEqual(bytes)
  expect(proxy.count()).toBeGreaterThan(2)
  await proxy.close()
  const queue = new QueueClient(await standBefore('queue'), freshName('q'))
  await queue.create()
  await queue.sendMessage('aGk=')
  expect((await queue.peekMessages()).peekedMessageItems[0]?.messageText).toBe('aGk=')
})

test('a target that is not there cuts the call', async () => {
  await standBefore('table')
  await proxy.close()
  proxy = await startProxy({ target: proxy.origin })
  await expect(fetch(proxy.origin)).rejects.toThrow()
})

test('the bytes of an answer are counted as they travel, its headers too', async () => {
  const target = createServer((_, response) => response.end('x'.repeat(1_000)))
  await once(target.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void target.close())
  proxy = await startProxy({ target: `http://127.0.0.1:${(target.address() as AddressInfo).port}` })
  const socket = connect(Number(new URL(proxy.origin).port), '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n')
  let received = 0
  for await (const chunk of socket) received += chunk.length
  expect(received).toBeGreaterThan(1_000)
  expect(proxy.bytesAnswered()).toBe(received)
})
