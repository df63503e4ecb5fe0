import { expect, inject, it, onTestFinished } from 'vitest'
import { proxiedConnectionString, serviceOrigins, startProxy } from '../../local/proxy.ts'
import { provision } from '../../src/steps/provision.ts'
import { askAgain, dropFormer, entryOf, fileOf, hint, named, names, rowsOf, serve, worldOf } from './one-window.ts'

/** A world whose storage cuts the answer to one write of the ledger that holds the text, once. */
async function worldThatLoses(text: string) {
  const cut: string[] = []
  const tables = await startProxy({
    target: serviceOrigins(inject('storage')).table,
    onRequest({ method, path, body = '' }) {
      const isIt = method !== 'GET' && body.includes(text) && body.includes('"history"')
      if (!isIt || cut.length > 0) return 'pass'
      cut.push(`${method} ${path}`)
      return 'after'
    },
  })
  onTestFinished(() => tables.close())
  const world = await worldOf({ storage: proxiedConnectionString(inject('storage'), { table: tables.origin }) })
  return { world, cut }
}

it('a first publication whose answer is lost is told once, and its report is withdrawn', async () => {
  const { world, cut } = await worldThatLoses('"state":"landed"')
  await provision(world.services)
  await hint(world)
  expect(cut).toHaveLength(1)
  expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 1 })
  expect(named(world, 'window.landed')).toMatchObject([{ attempt: 1, count: 40 }])
  expect(world.simulator.reports()).toEqual([])
  expect(await entryOf(world)).not.toHaveProperty('remoteReport')
})

it('so is a publication that drops the rows before', async () => {
  const { world, cut } = await worldThatLoses('"rows":7')
  await provision(world.services)
  await hint(world)
  await serve(world, fileOf(names(7)))
  await askAgain(world)
  await hint(world, world.services, { attempt: 2 })
  expect(cut).toEqual([expect.stringContaining('$batch')])
  expect(named(world, 'window.landed')).toMatchObject([{ attempt: 1 }, { attempt: 2, count: 7 }])
  expect(world.simulator.reports()).toEqual([])
  await dropFormer(world)
  expect(await rowsOf(world)).toHaveLength(7)
})

it('a landing whose renewal loses its answer goes on', async () => {
  const { world, cut } = await worldThatLoses('"phase":"write"')
  await provision(world.services)
  await hint(world)
  expect(cut).toHaveLength(1)
  expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 1 })
})
