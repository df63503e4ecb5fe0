import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { TableClient, TableServiceClient } from '@azure/data-tables'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { expect, inject, test } from 'vitest'
import { startAzurite, storageConnectionString } from '../../local/azurite.ts'
import { freePorts, waitUntil } from '../../local/processes.ts'
import { freshName } from '../setup/storage.ts'

const LOCAL = { allowInsecureConnection: true }

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('the Azurite of the run answers for blobs, queues and tables', async () => {
  const storage = inject('storage')
  const name = freshName('Each')
  await BlobServiceClient.fromConnectionString(storage).createContainer(name)
  await QueueServiceClient.fromConnectionString(storage).createQueue(name)
  await TableServiceClient.fromConnectionString(storage, LOCAL).createTable(name)
  expect(name).toMatch(/^each[a-z0-9]{12}$/)
})

test('two fresh names are never the same', () => {
  expect(new Set(Array.from({ length: 1000 }, () => freshName('x'))).size).toBe(1000)
})

test.concurrent('what was written to a folder is there after a stop and a start on the same ports', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'azurite-'))
  const first = await startAzurite({ location: folder })
  const table = TableClient.fromConnectionString(first.connectionString, 'kept', LOCAL)
  await table.createTable()
  await table.createEntity({ partitionKey: 'a', rowKey: 'b', value: 'stays' })
  await first.stop()
  expect(isRunning(first.pid)).toBe(false)
  const second = await startAzurite({ location: folder, ports: first.ports })
  expect(await table.getEntity('a', 'b')).toMatchObject({ value: 'stays' })
  await second.stop()
  await rm(folder, { recursive: true })
})

test.concurrent('an Azurite in memory writes nothing into the current folder', async () => {
  const azurite = await startAzurite()
  await BlobServiceClient.fromConnectionString(azurite.connectionString).createContainer('memory')
  await azurite.stop()
  expect((await readdir('.')).filter((name) => /azurite/i.test(name))).toEqual([])
})

test('a port in use is named', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const queue = typeof address === 'object' && address ? address.port : 0
  const [blob = 0, table = 0] = await freePorts(2)
  await expect(startAzurite({ ports: { blob, queue, table } })).rejects.toThrow(
    `Port ${queue} (queue storage) is in use`,
  )
  taken.close()
})

test.concurrent('when the one who started it is killed, Azurite ends too', async () => {
  const script = `
    import { startAzurite } from './local/azurite.ts'
    const { pid } = await startAzurite()
    console.log(pid)
    process.kill(process.pid, 'SIGKILL')`
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const output: string = await run.then(({ stdout }) => stdout).catch((error) => error.stdout)
  const pid = Number(output)
  expect(pid).toBeGreaterThan(0)
  await waitUntil('Azurite is gone', () => !isRunning(pid))
})

test.concurrent('also when its folder is gone by then', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'azurite-'))
  const script = `
    import { rmSync } from 'node:fs'
    import { BlobServiceClient } from '@azure/storage-blob'
    import { startAzurite } from './local/azurite.ts'
    const location = ${JSON.stringify(folder)}
    const { pid, connectionString } = await startAzurite({ location })
    const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('reports')
    await container.create()
    await container.getBlockBlobClient('x').upload('x', 1)
    rmSync(location, { recursive: true })
    console.log(pid)
    process.kill(process.pid, 'SIGKILL')`
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const output: string = await run.then(({ stdout }) => stdout).catch((error) => error.stdout)
  expect(Number(output)).toBeGreaterThan(0)
  await waitUntil('Azurite is gone', () => !isRunning(Number(output)))
})

test('a connection string names each service at its own port', () => {
  const text = storageConnectionString({ blob: 1, queue: 2, table: 3 })
  expect(text).toContain('BlobEndpoint=http://127.0.0.1:1/devstoreaccount1')
  expect(text).toContain('QueueEndpoint=http://127.0.0.1:2/devstoreaccount1')
  expect(text).toContain('TableEndpoint=http://127.0.0.1:3/devstoreaccount1')
})
