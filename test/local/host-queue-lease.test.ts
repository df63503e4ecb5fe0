import { QueueClient } from '@azure/storage-queue'
import { afterEach, expect, inject, test } from 'vitest'
import { openTriggerQueue, type TriggerQueue } from '../../local/host/queue-storage.ts'
import { waitUntil } from '../../local/processes.ts'
import { proxiedConnectionString, type StorageProxy, serviceOrigins, startProxy } from '../../local/proxy.ts'
import { freshName } from '../setup/storage.ts'

const storage = inject('storage')
let proxy: StorageProxy | undefined
afterEach(async () => {
  await proxy?.close()
  proxy = undefined
})

const noLog = () => undefined

async function takeFirst(queue: TriggerQueue) {
  const [message] = await queue.fetch(1)
  if (!message) throw new Error('the queue is empty')
  return queue.lease(message)
}

test('a message stays invisible beyond its first span for as long as its function runs, and can be settled after', async () => {
  proxy = await startProxy({ target: serviceOrigins(storage).queue })
  const client = new QueueClient(storage, freshName('lease'))
  await client.create()
  await client.sendMessage('aGk=')
  const connection = proxiedConnectionString(storage, { queue: proxy.origin })
  const leased = await takeFirst(openTriggerQueue(connection, client.name, noLog, 2))
  const renewals = () => proxy?.requests.filter(({ method }) => method === 'PUT').length ?? 0
  // One is the creation of the queue; the third renewal comes a second after the first span has ended.
  await waitUntil('it was renewed three times', () => renewals() >= 4)
  expect((await client.receiveMessages()).receivedMessageItems).toEqual([])
  await leased.complete()
  expect((await client.getProperties()).approximateMessagesCount).toBe(0)
})

test('a released message is there again after the given seconds, its count one higher', async () => {
  const client = new QueueClient(storage, freshName('lease'))
  const queue = openTriggerQueue(storage, client.name, noLog)
  await queue.fetch(1)
  await client.sendMessage('aGk=')
  await (await takeFirst(queue)).retryAfter(0)
  expect((await queue.fetch(1))[0]?.dequeueCount).toBe(2)
})

test.each([`${'x'.repeat(57)}`, 'work-poison'])(
  'the queue %s can have no poison queue: a poison message is left invisible',
  async (base) => {
    const name = base.endsWith('-poison') ? `${freshName('w')}-poison` : `${freshName('x')}${base}`.slice(0, 57)
    const client = new QueueClient(storage, name)
    const queue = openTriggerQueue(storage, name, noLog)
    await queue.fetch(1)
    await client.sendMessage('aGk=')
    const leased = await takeFirst(queue)
    await leased.poison()
    leased.release()
    expect((await client.getProperties()).approximateMessagesCount).toBe(1)
    expect((await client.receiveMessages()).receivedMessageItems).toEqual([])
  },
)
