import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { QueueClient } from '@azure/storage-queue'
import { beforeAll, expect, inject, test } from 'vitest'
import { hasEnded, stopProcess, waitUntil } from '../../local/processes.ts'
import { makeFixtureApp, startFixtureHost } from '../setup/fixture-host.ts'
import { freshName } from '../setup/storage.ts'

const storage = inject('storage')
let root: string
beforeAll(async () => {
  root = await makeFixtureApp()
})

const start = (more?: NodeJS.ProcessEnv) => startFixtureHost(root, more)

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: nothing new is taken, what runs is finished, then the process ends',
  async (signal) => {
    const FIXTURE_RELEASE = join(await mkdtemp(join(tmpdir(), 'host-')), 'release')
    const { child, origin, lines, logged, ended } = await start({ FIXTURE_RELEASE })
    const answer = fetch(`${origin}/api/held`).then((response) => response.text())
    await waitUntil('the call is being worked on', () => logged('held').length > 0)
    child.kill(signal)
    await waitUntil('nothing new is taken', () => isRefused(origin))
    expect(hasEnded(child)).toBe(false)
    await writeFile(FIXTURE_RELEASE, '')
    expect(await answer).toBe('finished')
    await ended
    expect(child.exitCode).toBe(0)
    expect(lines).toContain('appTerminate ran')
  },
)

function isRefused(origin: string): Promise<boolean> {
  return fetch(`${origin}/api/silent`).then(
    () => false,
    () => true,
  )
}

test('a stop waits 10 s for a function that never ends, and no longer', async () => {
  const { child, origin, ended } = await start()
  const began = Date.now()
  const call = fetch(`${origin}/api/forever`).catch(() => 'cut')
  await waitUntil('the host answers', async () => (await fetch(`${origin}/api/silent`)).ok)
  child.kill('SIGTERM')
  expect(await call).toBe('cut')
  await ended
  expect(child.exitCode).toBe(0)
  expect(Date.now() - began).toBeGreaterThanOrEqual(10_000)
})

test.each([
  { newBatchThreshold: 0, waiting: ['next'], state: 'waits for room before it fetches' },
  { newBatchThreshold: 8, waiting: [], state: 'fetches meanwhile' },
])('a stop finishes the message in work and takes no other, while the host $state', async (queues) => {
  const FIXTURE_QUEUE = freshName('q')
  const FIXTURE_RELEASE = join(await mkdtemp(join(tmpdir(), 'host-')), 'release')
  const queue = new QueueClient(storage, FIXTURE_QUEUE)
  const send = (work: string) => queue.sendMessage(Buffer.from(JSON.stringify({ work })).toString('base64'))
  await queue.create()
  await send('slow')
  const { newBatchThreshold, waiting } = queues
  await writeFile(
    join(root, 'host.json'),
    JSON.stringify({ extensions: { queues: { batchSize: 1, newBatchThreshold } } }),
  )
  const { child, logged, origin, ended } = await start({ FIXTURE_QUEUE, FIXTURE_RELEASE })
  await writeFile(join(root, 'host.json'), '{}')
  await waitUntil('the message is being worked on', () => logged('worker').length > 0)
  for (const work of waiting) await send(work)
  child.kill('SIGTERM')
  await waitUntil('nothing new is taken', () => isRefused(origin))
  await writeFile(FIXTURE_RELEASE, '')
  await ended
  expect(logged('worker')).toHaveLength(1)
  expect((await queue.getProperties()).approximateMessagesCount).toBe(waiting.length)
  const left = await queue.peekMessages({ numberOfMessages: 5 })
  expect(left.peekedMessageItems.map(({ dequeueCount }) => dequeueCount)).toEqual(waiting.map(() => 0))
})

test('when the one who started it goes away, the host stops in order', async () => {
  const { child, lines } = await start()
  await stopProcess(child)
  expect(child.exitCode).toBe(0)
  expect(lines).toContain('appTerminate ran')
})
