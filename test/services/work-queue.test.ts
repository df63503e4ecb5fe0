import { QueueServiceClient } from '@azure/storage-queue'
import fc from 'fast-check'
import { expect, inject, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { openWorkQueue, readDropMessage, readIngestMessage } from '../../src/services/storage/work-queue.ts'
import { freshName } from '../setup/storage.ts'

const HINT = { feed: 'usage', window: 'w', attempt: 2 }

const freshQueue = () => QueueServiceClient.fromConnectionString(inject('storage')).getQueueClient(freshName('ingest'))

const anyHint = fc.record(
  {
    feed: fc.string(),
    window: fc.string(),
    attempt: fc.integer({ min: 1 }),
    reportId: fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/),
  },
  { requiredKeys: ['feed', 'window', 'attempt'], noNullPrototype: true },
)

it('a message is base64 of JSON under one key, in a queue made for the first of them', async () => {
  const client = freshQueue()
  await openWorkQueue(client).send({ ...HINT, reportId: 'r' })
  const [message] = (await client.receiveMessages()).receivedMessageItems
  const text = Buffer.from(message?.messageText ?? '', 'base64').toString('utf8')
  expect(text).toBe('{"ingest":{"feed":"usage","window":"w","attempt":2,"reportId":"r"}}')
})

it('a message is seen after its delay and not before', async () => {
  const client = freshQueue()
  const sentAt = Date.now()
  await openWorkQueue(client).send(HINT, 1.2)
  expect((await client.receiveMessages()).receivedMessageItems).toEqual([])
  await waitUntil('the message is seen', async () => (await client.receiveMessages()).receivedMessageItems.length > 0)
  expect(Date.now() - sentAt).toBeGreaterThan(1_000)
})

it('a delay beyond what the service takes is cut', async () => {
  const client = freshQueue()
  await openWorkQueue(client).send(HINT, 1e9)
  expect((await client.getProperties()).approximateMessagesCount).toBe(1)
})

it('a drop is a message of its own in the same queue, which is read as it was sent', async () => {
  const client = freshQueue()
  const drop = { feed: 'usage', generation: '0123456789ab' }
  await openWorkQueue(client).sendDrop(drop)
  const [message] = (await client.receiveMessages()).receivedMessageItems
  const body = JSON.parse(Buffer.from(message?.messageText ?? '', 'base64').toString('utf8'))
  expect(body).toEqual({ drop })
  expect(readDropMessage(body)).toEqual(drop)
  expect(readIngestMessage(body)).toBeUndefined()
})

it('many messages at once make the queue once', async () => {
  const client = freshQueue()
  const queue = openWorkQueue(client)
  await Promise.all(Array.from({ length: 5 }, () => queue.send(HINT)))
  expect((await client.getProperties()).approximateMessagesCount).toBe(5)
})

it('what was sent is read as it was sent', () => {
  fc.assert(
    fc.property(anyHint, (hint) => {
      expect(readIngestMessage(JSON.parse(JSON.stringify({ ingest: hint })))).toEqual(hint)
    }),
  )
})

it('anything else is no message, and never throws', () => {
  const isHint = (value: unknown) => typeof value === 'object' && value !== null && 'feed' in value
  fc.assert(
    fc.property(fc.anything(), (body) => {
      expect(readIngestMessage(body)).toBeUndefined()
      expect(readDropMessage(body)).toBeUndefined()
      if (!isHint(body)) expect(readIngestMessage({ ingest: body })).toBeUndefined()
      if (!isHint(body)) expect(readDropMessage({ drop: body })).toBeUndefined()
    }),
  )
})

it.each([0, -1, 1.5, '1', null, Number.NaN, 2 ** 60])('%s is no attempt', (attempt) => {
  expect(readIngestMessage({ ingest: { ...HINT, attempt } })).toBeUndefined()
})
