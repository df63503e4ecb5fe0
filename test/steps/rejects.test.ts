import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { provision } from '../../src/steps/provision.ts'
import { rejectsOf } from '../setup/world.ts'
import {
  askAgain,
  entryOf,
  FEED,
  fileOf,
  hint,
  landedWorld,
  names,
  rowsOf,
  serve,
  withTable,
  worldOf,
} from './one-window.ts'

describe('rejects of a file that fails before its end', () => {
  it('are named by the history, as far as they were read', async () => {
    const bad = '2025-05-01,broken,many\r\n'
    const world = await landedWorld(Buffer.from(`${fileOf(names(3))}${bad}2025-06-01,late,1\r\n${bad}`))
    const entry = await entryOf(world)
    expect(entry).toMatchObject({ state: 'failed', kind: 'outside-window' })
    const list = entry.history.at(-1)?.rejects
    expect(await rejectsOf(world, list)).toMatchObject([{ record: 3, line: 5 }, {}])
    const blobs: string[] = []
    for await (const { name } of world.container.listBlobsFlat()) blobs.push(name)
    expect(blobs.filter((name) => name.endsWith('.rejects.jsonl'))).toEqual([list])
  })
})

describe('rejects within the limit', () => {
  it('are listed beside the archive, and their row numbers stay unused', async () => {
    const world = await landedWorld(Buffer.from(`${fileOf(names(3))}2025-05-01,broken,many\r\n2025-05-01,last,1\r\n`), {
      ...FEED,
      maxRejects: 0.5,
    })
    const { figures } = await entryOf(world)
    expect(figures).toMatchObject({ rowsRead: 5, rowsLanded: 4, rowsRejected: 1 })
    expect(await rejectsOf(world, figures?.rejects)).toMatchObject([
      { record: 3, line: 5, column: 'UsageQuantity', reason: expect.any(String), raw: '2025-05-01,broken,many' },
    ])
    expect((await rowsOf(world)).map(({ RowKey }) => Number(RowKey))).toEqual([0, 1, 2, 4])
    expect(world.events.filter(({ event }) => event === 'window.rejects')).toMatchObject([{ count: 1 }])
  })

  it('include single rows that Table Storage refuses', async () => {
    const world = await worldOf({ feeds: [{ ...FEED, maxRejects: 0.5 }] })
    await provision(world.services)
    await serve(world, Buffer.from(`${fileOf(names(3))}2025-05-01,broken,many\r\n`))
    await askAgain(world)
    const choosy = withTable(world.services, (table) => ({
      async write(groups, options) {
        const accepted = async function* () {
          for await (const group of groups) yield group.filter(({ rowKey }) => rowKey !== '000000001')
        }
        const written = await table.write(accepted(), options)
        if (isFailure(written)) return written
        return { ...written, refused: [{ partitionKey: '20250501_000', rowKey: '000000001', code: 'InvalidInput' }] }
      },
    }))
    await hint(world, choosy, { attempt: 2 })
    expect(await entryOf(world)).toMatchObject({
      state: 'landed',
      figures: { rowsRead: 4, rowsLanded: 2, rowsRejected: 2, totals: { UsageQuantity: '2' } },
    })
  })
})
