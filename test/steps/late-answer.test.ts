import { describe, expect, it } from 'vitest'
import { failed, isFailure } from '../../src/core/failures.ts'
import { toFailed } from '../../src/core/ledger/transitions.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { storedEntry } from '../setup/stored.ts'
import type { World } from '../setup/world.ts'
import { entryOf, FEED, fileOf, HINT, importFile, MAY, worldOf } from './one-window.ts'

/** The services of an instance that gets the answer to its request only after `meanwhile`. */
function answeredAfter({ services }: World, meanwhile: (reportId: string) => Promise<unknown>): Services {
  return {
    ...services,
    insights(name, account) {
      const client = services.insights(name, account)
      if (isFailure(client)) return client
      return {
        ...client,
        async createReport(request) {
          const answer = await client.createReport(request)
          if (answer.outcome === 'created') await meanwhile(answer.reportId)
          return answer
        },
      }
    },
  }
}

/** Another instance lands the report after a callback. */
const landIt = ({ services }: World) => {
  return (reportId: string) => ingest({ ingest: { ...HINT, reportId } }, services)
}

const overtaken = (world: World) => answeredAfter(world, landIt(world))

const importMay = ({ services }: World) => importFile(services, fileOf(['x']))

const reportsOf = ({ simulator }: World) => simulator.reports().map(({ reportId }) => reportId)

describe('a create answer that comes after its report has landed', () => {
  it('leaves the report when DELETE_REPORTS keeps it', async () => {
    const world = await worldOf({ settings: { deleteReports: false } })
    await provision(overtaken(world))
    const { state, remoteReports } = await entryOf(world)
    expect(state).toBe('landed')
    expect(reportsOf(world)).toEqual(remoteReports)
  })

  it('leaves no report when reports are deleted', async () => {
    const world = await worldOf()
    await provision(overtaken(world))
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 1 })
    expect(reportsOf(world)).toEqual([])
  })

  it('leaves the report when reports are kept and its window is being landed again from a file', async () => {
    const world = await worldOf({ settings: { deleteReports: false } })
    const late = answeredAfter(world, async (reportId) => {
      await landIt(world)(reportId)
      await importMay(world)
    })
    await provision(late)
    const entry = await entryOf(world)
    expect(entry).toMatchObject({ state: 'landing', reportId: 'import' })
    expect(reportsOf(world)).toEqual(entry.remoteReports)
  })

  it('leaves the report to the sweep of strays when the entry cannot be read', async () => {
    const world = await worldOf()
    const unreadable = { partitionKey: 'usage', rowKey: MAY, v: 99, state: 'requesting' }
    await provision(answeredAfter(world, () => world.ledgerTable.upsertEntity(unreadable, 'Replace')))
    expect(reportsOf(world)).toHaveLength(1)
  })

  it('takes back a report that the entry does not name', async () => {
    const world = await worldOf()
    const late = answeredAfter(world, async () => {
      const { ledger } = world.services
      const { value, etag } = await storedEntry(ledger, FEED.name, MAY)
      await ledger.write(toFailed(value, failed('deadline', 'gone'), world.clock.now()), etag)
    })
    await provision(late)
    expect(reportsOf(world)).toEqual([])
  })
})
