import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import { listRejects } from '../../src/steps/operator/rejects.ts'
import { replay } from '../../src/steps/operator/replay.ts'
import { poison } from '../../src/steps/poison.ts'
import { provision } from '../../src/steps/provision.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import {
  askAgain,
  dropFormer,
  entryOf,
  FEED,
  fileOf,
  HINT,
  hint,
  landedWorld,
  landFile,
  names,
  rowsOf,
  serve,
  watched,
  worldOf,
} from './one-window.ts'

const bad = (count: number) => Buffer.from(`${fileOf(names(20))}${'2025-05-01,x,many\r\n'.repeat(count)}`)

async function rejectsIn(world: World): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { archive, record } of listRejects(world.services, await entryOf(world)))
    found.push(`${archive} ${record}`)
  return found
}

describe('a refresh that fails after its check', () => {
  it('leaves every published row, and its own go', async () => {
    const world = await landedWorld(fileOf(names(120)))
    const rows = await rowsOf(world)
    await serve(world, fileOf(names(150, 'refresh')))
    await askAgain(world)
    const crashing = watched(world.services.ledger, async ({ state }) => {
      if (state === 'landed') throw new Error('the process is broken')
    })
    await expect(hint(world, { ...world.services, ledger: crashing }, { attempt: 3 })).rejects.toThrow('broken')
    for (const state of ['landing', 'failed']) {
      await poison({ ingest: { ...HINT, attempt: 3 } }, world.services)
      expect(await entryOf(world)).toMatchObject({ state })
    }
    expect(await rowsOf(world)).toHaveLength(270)
    await dropFormer(world)
    expect(await rowsOf(world)).toEqual(rows)
  })
})

describe('rows that no entry names', () => {
  it('go although the account cannot sign in', async () => {
    const world = await landedWorld(fileOf(names(50)))
    await landFile(world, fileOf(names(20, 'restated')))
    const services = { ...world.services, insights: () => failed('unauthorized', 'no sign-in') }
    await sweep(services)
    await world.drain()
    expect(await rowsOf(world)).toHaveLength(20)
  })

  it('that come late are looked for once more, and a drop that cannot be read stops nothing else', async () => {
    const world = await landedWorld(fileOf(names(50)))
    const [late] = await rowsOf(world)
    await world.ledgerTable.createEntity({ partitionKey: FEED.name, rowKey: '~drop_000000000000', window: 'none' })
    await landFile(world, fileOf(names(20, 'restated')))
    const look = async () => {
      await sweep(world.services)
      await world.drain()
    }
    await look()
    expect(await rowsOf(world)).toHaveLength(20)
    const { PartitionKey, RowKey } = late ?? {}
    await world.landingTable('Usage').createEntity({ partitionKey: String(PartitionKey), rowKey: String(RowKey) })
    await look()
    expect(await rowsOf(world)).toHaveLength(21)
    world.clock.advance(3_600_000)
    await look()
    expect(await rowsOf(world)).toHaveLength(20)
    expect(await world.services.ledger.drops(FEED.name)).toMatchObject([{ kind: 'unreadable-entry' }])
  })
})

describe('an archive', () => {
  it('that holds other bytes than were received does not land, and the published rows stay', async () => {
    const world = await landedWorld(fileOf(names(40)))
    const [rows, { figures }] = [await rowsOf(world), await entryOf(world)]
    const blob = world.container.getBlockBlobClient(figures?.archive ?? '')
    const { metadata = {} } = await blob.getProperties()
    const other = gzipSync(fileOf(names(40, 'another')))
    await blob.upload(other, other.length, { metadata })
    const replayed = await replay(world.services, FEED.name, (await entryOf(world)).window)
    expect(replayed).toMatchObject({ attempt: 3 })
    await world.drain()
    expect(await entryOf(world)).toMatchObject({ state: 'failed', kind: 'malformed', figures })
    expect((await entryOf(world)).lastError?.message).toContain('SHA-256')
    await dropFormer(world)
    expect(await rowsOf(world)).toEqual(rows)
  })
})

describe('the list of rejects', () => {
  it('is that of the failed attempt after a refresh that failed, and of the published landing before', async () => {
    const world = await landedWorld(bad(1), { ...FEED, maxRejects: 0.1 })
    const { figures } = await entryOf(world)
    expect(await rejectsIn(world)).toEqual([`${figures?.archive} 20`])
    await landFile(world, bad(9))
    const entry = await entryOf(world)
    expect(entry).toMatchObject({ state: 'failed', kind: 'too-many-rejects', figures })
    const archive = entry.history.at(-1)?.archive
    expect(archive).not.toBe(figures?.archive)
    expect(await rejectsIn(world)).toEqual(Array.from({ length: 9 }, (_, index) => `${archive} ${20 + index}`))
  })

  it('of an owner is not changed by one who was frozen in the check before', async () => {
    const world = await worldOf({ feeds: [{ ...FEED, maxRejects: 0.9 }] })
    await provision(world.services)
    // So long that it is checked in several pieces: who is frozen in the first one has seen three of the nine.
    const long = fileOf(names(5000)).toString()
    const broken = '2025-05-01,x,many\r\n'
    const head = 'Month,CustomerName,UsageQuantity\r\n'
    await serve(world, Buffer.from(long.replace(head, head + broken.repeat(3)) + broken.repeat(6)))
    await askAgain(world)
    const thaw = Promise.withResolvers<void>()
    const frozen = Promise.withResolvers<void>()
    const { archive } = world.services
    const freezing: typeof archive = {
      ...archive,
      rejects(name) {
        const list = archive.rejects(name)
        let count = 0
        return {
          ...list,
          async add(reject) {
            await list.add(reject)
            count += 1
            if (count !== 3) return
            frozen.resolve()
            await thaw.promise
          },
        }
      },
    }
    const first = hint(world, { ...world.services, archive: freezing }, { attempt: 2 }).catch((error: unknown) => error)
    await frozen.promise
    world.clock.advance(181_000)
    await hint(world, world.services, { attempt: 2 })
    const landed = await entryOf(world)
    const before = await rejectsIn(world)
    expect([landed.state, before.length]).toEqual(['landed', 9])
    thaw.resolve()
    expect(await first).toMatchObject({ name: 'LeaseLost' })
    expect(await rejectsIn(world)).toEqual(before)
    expect(await entryOf(world)).toEqual(landed)
  })
})
