import { TableClient } from '@azure/data-tables'
import { describe, expect, inject, it } from 'vitest'
import { readWindow, type WindowRow } from '../../docs/read-window.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import { entryOf, FEED, fileOf, landedWorld, landFile, MAY, names, worldOf } from '../steps/one-window.ts'

const KEY = { feed: FEED.name, window: MAY }

const customersOf = (rows: readonly WindowRow[] | undefined) => rows?.map(({ CustomerName }) => CustomerName)

/** Reads as a reader of another team does; `betweenPages` is called after each page of rows. */
async function read(world: World, betweenPages: () => Promise<unknown> = async () => undefined) {
  const { tableName } = world.landingTable('Usage')
  const table = TableClient.fromConnectionString(inject('storage'), tableName, {
    allowInsecureConnection: true,
    additionalPolicies: [
      {
        position: 'perRetry',
        policy: {
          name: 'betweenPages',
          async sendRequest(request, next) {
            const answer = await next(request)
            await betweenPages()
            return answer
          },
        },
      },
    ],
  })
  return readWindow(world.ledgerTable, () => table, KEY)
}

/** The rows of former generations are gone at once. */
async function drop({ services, drain }: World) {
  await sweep(services)
  await drain()
}

describe('readWindow', () => {
  it('gives nothing of a window that was never asked for or has not landed', async () => {
    const world = await worldOf()
    await world.services.ledger.create()
    expect(await read(world)).toBeUndefined()
  })

  it('gives the one published landing, while the rows of the one before still stand', async () => {
    const world = await landedWorld(fileOf(names(1200)))
    expect(customersOf((await read(world))?.rows)?.toSorted()).toEqual(names(1200).toSorted())
    await landFile(world, fileOf(names(1100, 'restated')))
    const { figures } = await entryOf(world)
    const again = await read(world)
    expect(again?.landedAt).toEqual(figures?.landedAt)
    expect(customersOf(again?.rows)?.toSorted()).toEqual(names(1100, 'restated').toSorted())
  })

  it('starts over where a newer landing is published between two of its pages, and gives that one', async () => {
    const world = await landedWorld(fileOf(names(1200)))
    let calls = 0
    const found = await read(world, async () => {
      calls += 1
      if (calls > 1) return
      await landFile(world, fileOf(names(1100, 'restated')))
      await drop(world)
    })
    expect(customersOf(found?.rows)?.toSorted()).toEqual(names(1100, 'restated').toSorted())
    expect(calls).toBeGreaterThan(3)
  })

  it('says so where the window lands anew at each of five readings', async () => {
    const world = await landedWorld(fileOf(names(2)))
    let round = 0
    const reading = read(world, async () => landFile(world, fileOf(names(2, `round ${round++}`))))
    await expect(reading).rejects.toThrow('during each of 5 readings')
    expect(round).toBe(5)
  })

  it('believes no reading of other rows than the ledger says', async () => {
    const world = await landedWorld(fileOf(names(2)))
    const { figures } = await entryOf(world)
    await world.landingTable('Usage').deleteEntity(`20250501_g${figures?.generation}_000`, '000000001')
    await expect(read(world)).rejects.toThrow('1 where the ledger says 2')
  })
})
