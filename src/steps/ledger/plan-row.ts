import { type Failure, isFailure } from '../../core/failures.ts'
import type { PlanRow } from '../../core/ledger/plan-row.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import type { Services } from '../services.ts'

/** The plan row of a feed; undefined where it is missing or cannot be read: an audit makes it anew. */
export async function readPlan(
  { ledger }: Pick<Services, 'ledger'>,
  feed: string,
): Promise<Stored<PlanRow> | undefined> {
  return readablePlan(await ledger.readPlan(feed))
}

export function readablePlan(plan: Stored<PlanRow | Failure> | undefined): Stored<PlanRow> | undefined {
  return plan && !isFailure(plan.value) ? { value: plan.value, etag: plan.etag } : undefined
}
