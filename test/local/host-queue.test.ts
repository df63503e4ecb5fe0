import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { QueueClient } from '@azure/storage-queue'
import { beforeAll, expect, inject, test } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { fixtureSettings, makeFixtureApp } from '../setup/fixture-host.ts'
import { type HostProcess, runHost } from '../setup/host-process.ts'
import { freshName } from '../setup/storage.ts'

const queues = {
  batchSize: 1,
  newBatchThreshold: 0,
  visibilityTimeout: '00:00:00',
  maxDequeueCount: 3,
  maxPollingInterval: '00:00:00.2',
}
const storage = inject('storage')
const name = freshName('work')
const queue = new QueueClient(storage, name)
const poison = new QueueClient(storage, `${name}-poison`)
let host: HostProcess
let releaseFile: string

beforeAll(async () => {
  const root = await makeFixtureApp({ extensions: { queues } })
  releaseFile = join(root, 'release')
  const own = { FIXTURE_QUEUE: name, FIXTURE_SCHEDULE: '* * * * * *', FIXTURE_RELEASE: releaseFile }
  host = await runHost(root, fixtureSettings(own))
  return host.stop
})

const encode = (text: string) => Buffer.from(text).toString('base64')
const runs = (text: string) => host.logged('worker').filter(({ body }) => JSON.stringify(body)?.includes(text))

async function send(kind: string): Promise<string> {
  const id = `${kind}-${randomUUID()}`
  await queue.createIfNotExists()
  await queue.sendMessage(encode(JSON.stringify({ work: { id } })))
  return id
}

async function isEmpty(): Promise<boolean> {
  return (await queue.getProperties()).approximateMessagesCount === 0
}

async function poisonTexts(): Promise<string[]> {
  if (!(await poison.exists())) return []
  return (await poison.peekMessages({ numberOfMessages: 32 })).peekedMessageItems.map(({ messageText }) => messageText)
}

test('a timer runs, and what it puts in the queue reaches the function once', async () => {
  await waitUntil('the message of the timer is worked on', () => runs('timer').length > 0)
  await waitUntil('the queue is empty', isEmpty)
  expect(runs('timer')).toHaveLength(1)
  const [{ timer } = {}] = host.logged('ticker')
  expect(timer).toEqual({ isPastDue: false, schedule: { adjustForDST: true }, scheduleStatus: null })
})

test('message properties replace facts of the same name, arrays do not arrive', () => {
  const [{ metadata } = {}] = runs('timer')
  expect(metadata).toMatchObject({ id: 'mine', dequeueCount: 1, work: { from: 'timer' } })
  expect(metadata).toHaveProperty('popReceipt')
  expect(metadata).toHaveProperty('nextVisibleTime')
  expect(metadata).not.toHaveProperty('list')
})

test('a timer goes on after its first run', async () => {
  await waitUntil('the timer has run three times', () => host.logged('ticker').length >= 3)
})

test('a message that fails each time is tried maxDequeueCount times, then lies in the poison queue as it was', async () => {
  const id = await send('fail')
  await waitUntil('the message is poison', async () => (await poisonTexts()).includes(encodeOf(id)))
  expect(runs(id).map(({ metadata }) => (metadata as { dequeueCount: number }).dequeueCount)).toEqual([1, 2, 3])
  await waitUntil('the queue is empty', isEmpty)
  expect(host.lines.some((line) => line.includes('error worker: failed: Error: failed | on purpose | at '))).toBe(true)
})

function encodeOf(id: string): string {
  return encode(JSON.stringify({ work: { id } }))
}

test('a thrown text is a failure too', async () => {
  const id = await send('text')
  await waitUntil('the message is poison', async () => (await poisonTexts()).includes(encodeOf(id)))
  expect(runs(id)).toHaveLength(3)
})

test('a thrown null is none: that is how the worker sees it', async () => {
  const id = await send('nothing')
  await waitUntil('the message is worked on', () => runs(id).length > 0)
  await waitUntil('the queue is empty', isEmpty)
  expect(runs(id)).toHaveLength(1)
  expect(await poisonTexts()).not.toContain(encodeOf(id))
})

test.each(['not base64!', 'YWJj=', 'YQ'])('%j is no base64: poison at once, and no function sees it', async (text) => {
  const before = host.logged('worker').length
  await queue.sendMessage(text)
  await waitUntil('the message is poison', async () => (await poisonTexts()).includes(text))
  expect(host.logged('worker')).toHaveLength(before)
})

test('a body that is no JSON arrives as text', async () => {
  const id = randomUUID()
  await queue.sendMessage(encode(`plain ${id}`))
  await waitUntil('the message is worked on', () => runs(id).length > 0)
  expect(runs(id)[0]?.body).toBe(`plain ${id}`)
})

test('with batchSize 1 and newBatchThreshold 0 one message at a time is worked on', async () => {
  const slow = await send('slow')
  await waitUntil('the slow one is worked on', () => runs(slow).length > 0)
  const next = await send('next')
  await waitUntil('the timer has run twice more', ticksFromNow(2))
  expect(runs(next)).toHaveLength(0)
  await writeFile(releaseFile, '')
  await waitUntil('the next one is worked on', () => runs(next).length > 0)
})

function ticksFromNow(count: number): () => boolean {
  const before = host.logged('ticker').length
  return () => host.logged('ticker').length >= before + count
}
