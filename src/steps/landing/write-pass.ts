import { type Failure, isFailure } from '../../core/failures.ts'
import { type Entity, isReject, rowsIn } from '../../core/report/entities.ts'
import type { ArchivedBlob } from '../../services/storage/archive.ts'
import type { LandingTable, Written } from '../../services/storage/landing-table.ts'
import type { Job } from '../ledger/job.ts'
import { type FittingReport, openFitting } from './check-pass.ts'
import type { HeldEntry } from './held-entry.ts'

/** Transactions on their way at once: enough to hide the latency, few enough for the smallest instance. */
const IN_FLIGHT = 8

/** What one invocation wrote. `next` is the record to go on with; absent once the file was read to its end. */
export type WrittenPart = Written & { readonly rejected: number; readonly next?: number }

/** Writes the rows from the checkpoint on, until the file or the time of this invocation ends. */
export async function writePass(
  job: Job,
  held: HeldEntry,
  archive: ArchivedBlob,
  table: LandingTable,
  enough: () => boolean,
): Promise<WrittenPart | Failure> {
  const fitting = await openFitting(job, held.entry(), archive, { verify: false })
  if (isFailure(fitting)) return fitting
  const part = entitiesFrom(held, fitting, enough)
  const written = await table.write(part.groups, { inFlight: IN_FLIGHT })
  if (isFailure(written)) return written
  const next = part.next()
  return { ...written, rejected: part.rejected(), ...(next !== undefined && { next }) }
}

/** Records below the checkpoint are parsed and counted, nothing else; the part ends between groups of records. */
function entitiesFrom(held: HeldEntry, { lander, records }: FittingReport, enough: () => boolean) {
  const { checkpoint } = held.entry()
  let number = 0
  let rejected = 0
  let next: number | undefined
  async function* groups(): AsyncGenerator<readonly Entity[]> {
    for await (const group of records) {
      held.assertHeld()
      if (isFailure(group)) throw new Error(`${group.message}; the check had read it whole`)
      const first = number
      number += group.length
      if (number <= checkpoint) continue
      if (first > checkpoint && enough()) {
        next = first
        return
      }
      const landed = group.map((record, index) => lander.land(record, first + index))
      const fresh = landed.slice(Math.max(checkpoint - first, 0))
      const fit = fresh.filter((result): result is Entity => !isReject(result))
      if (fit.length < fresh.length) {
        rejected += fresh.filter(isReject).reduce((sum, each) => sum + rowsIn(each), 0)
      }
      yield fit
    }
  }
  return { groups: groups(), rejected: () => rejected, next: () => next }
}
