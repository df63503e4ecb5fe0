import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { ingest } from '../../src/steps/ingest.ts'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/step.ts'
import type { World } from '../setup/world.ts'
import { entryOf, HINT, worldOf } from './one-window.ts'

/** The services of an instance that hears of its report only after another one has followed a callback for it. */
function overtaken({ services }: World): Services {
  return {
    ...services,
    insights(name, account) {
      const client = services.insights(name, account)
      if (isFailure(client)) return client
      return {
        ...client,
        async createReport(request) {
          const answer = await client.createReport(request)
          if (answer.outcome === 'created') await ingest({ ingest: { ...HINT, reportId: answer.reportId } }, services)
          return answer
        },
      }
    },
  }
}

describe('an answer that comes when its report has landed already', () => {
  it('leaves the report where DELETE_REPORTS keeps it', async () => {
    const world = await worldOf({ settings: { deleteReports: false } })
    await provision(overtaken(world))
    const { state, remoteReport } = await entryOf(world)
    expect(state).toBe('landed')
    expect(world.simulator.reports().map(({ reportId }) => reportId)).toEqual([remoteReport])
  })

  it('leaves no report where they are deleted', async () => {
    const world = await worldOf()
    await provision(overtaken(world))
    expect(await entryOf(world)).toMatchObject({ state: 'landed', attempt: 1 })
    expect(world.simulator.reports()).toEqual([])
  })
})
