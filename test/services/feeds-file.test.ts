import { BlobServiceClient } from '@azure/storage-blob'
import { expect, inject, it } from 'vitest'
import { storageConnectionString } from '../../local/azurite.ts'
import { freePorts } from '../../local/processes.ts'
import { readFeedsText } from '../../src/services/storage/feeds-file.ts'
import { freshName } from '../setup/storage.ts'

const packaged = async () => 'packaged'
const config = () => BlobServiceClient.fromConnectionString(inject('storage')).getContainerClient(freshName('config'))

it('feeds.json comes from the package where there is no container, and where the container holds none', async () => {
  const container = config()
  expect(await readFeedsText(container, packaged)).toEqual({ text: 'packaged', source: 'package' })
  await container.create()
  expect(await readFeedsText(container, packaged)).toEqual({ text: 'packaged', source: 'package' })
})

it('feeds.json in the container wins, even if it is empty', async () => {
  const container = config()
  await container.create()
  for (const text of ['{"feeds":[]} Zoë', '']) {
    await container.getBlockBlobClient('feeds.json').upload(text, Buffer.byteLength(text))
    expect(await readFeedsText(container, packaged)).toEqual({ text, source: 'container' })
  }
})

it('feeds.json in the container may begin with a byte order mark', async () => {
  const container = config()
  await container.create()
  const text = '\uFEFF{"feeds":[]}'
  await container.getBlockBlobClient('feeds.json').upload(text, Buffer.byteLength(text))
  expect((await readFeedsText(container, packaged)).text).toBe('{"feeds":[]}')
})

it('a container that cannot be read is an error and not the package', async () => {
  const [blob = 0, queue = 0, table = 0] = await freePorts(3)
  const options = { retryOptions: { maxTries: 1 } }
  const service = BlobServiceClient.fromConnectionString(storageConnectionString({ blob, queue, table }), options)
  await expect(readFeedsText(service.getContainerClient('config'), packaged)).rejects.toThrow()
})
