import { isFailure } from '../../src/core/failures.ts'
import type { Plant } from './deployment.ts'

/** A lost answer is looked for, and its report is never found. */
export const FINDS_NO_REPORT: Plant = (services) => ({
  ...services,
  insights(name, account) {
    const client = services.insights(name, account)
    return isFailure(client) ? client : { ...client, reports: async () => [], report: async () => undefined }
  },
})

const UNWRITTEN = 'not written yet'

/** A report is asked for before that is written down. */
export const ASKS_BEFORE_IT_WRITES: Plant = (services) => {
  const { ledger, insights } = services
  let write: () => Promise<{ readonly etag: string } | undefined> = async () => undefined
  let etag: string | undefined
  return {
    ...services,
    ledger: {
      ...ledger,
      async write(entry, expected, added = {}) {
        const isNew = entry.state === 'requesting' && !entry.hinted && !entry.lookAfter && !entry.lastError
        if (!isNew) return ledger.write(entry, expected === UNWRITTEN ? etag : expected, added)
        write = () => ledger.write(entry, expected)
        const plan = added.plan && (await ledger.writePlan(added.plan.value, added.plan.etag))
        return { value: entry, etag: UNWRITTEN, ...(plan && { plan }) }
      },
    },
    insights(name, account) {
      const client = insights(name, account)
      if (isFailure(client)) return client
      return {
        ...client,
        async createReport(request) {
          const creation = await client.createReport(request)
          etag = (await write())?.etag
          return creation
        },
      }
    },
  }
}
