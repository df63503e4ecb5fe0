import { adviceText, type Failure, isFailure, isOfSignIn, type SignInKind } from '../../core/failures.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import { isIdleTrialDue, isSignInBlocked, isTrialDue, withRefusedSignIn } from '../../core/plan/refused-sign-in.ts'
import { accountOf, adviceOnSignIn } from '../ledger/sign-in-advice.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'
import { endRefusedSignIn, type PacingRow, writePacing } from './pacing-row.ts'

/**
 * Says whether the account may ask for reports in this tick, as far as its sign-in goes. One that was refused is tried first,
 * with a read that changes nothing: so no other window fails. Where only multi-factor lacks, the reports themselves are the
 * trial, because the service may refuse them and nothing else. Costs nothing where no sign-in was refused.
 */
export async function signInAllows(
  services: Services,
  account: string,
  pacing: PacingRow,
  rows: readonly FeedOutline[],
): Promise<boolean> {
  const { refused } = pacing.value
  const isDue = isTrialDue(pacing.value, services.clock())
  if (refused?.kind === 'unauthorized') return !isDue || (await trySignIn(services, account, pacing, rows))
  if (isDue || !isSignInBlocked(pacing.value, services.clock())) return true
  await tellBlocked(services, account, pacing, rows)
  return false
}

/**
 * Tries a sign-in that was refused, where that is due. One that works is noted: the audits of the account's feeds ask again
 * for what failed. False where it is refused once more.
 */
export async function trySignIn(
  services: Services,
  account: string,
  pacing: PacingRow,
  rows: readonly FeedOutline[],
): Promise<boolean> {
  const now = services.clock()
  const row = rows.find(({ feed }) => feed.enabled)
  if (!row || !isIdleTrialDue(pacing.value, now)) return true
  const tried = await ask(services, account, row)
  if (tried === 'works') await endRefusedSignIn(services, account, pacing)
  // Another instance that was faster has noted the same.
  if (isFailure(tried)) await writePacing(services, account, pacing, withRefusedSignIn(pacing.value, tried, now))
  return !isFailure(tried)
}

/** `no answer` says nothing about the sign-in. */
async function ask(
  services: Services,
  account: string,
  { account: settings, feed }: FeedOutline,
): Promise<'works' | 'no answer' | (Failure & { readonly kind: SignInKind })> {
  const insights = services.insights(account, settings)
  const found = isFailure(insights) ? insights : await insights.listDatasets(feed.dataset)
  if (!isFailure(found)) return 'works'
  return isOfSignIn(found) ? found : 'no answer'
}

async function tellBlocked(
  services: Services,
  account: string,
  { value: { refused } }: PacingRow,
  [row]: readonly FeedOutline[],
): Promise<void> {
  if (!refused || !row) return
  const { kind } = refused
  const remedy = adviceText(adviceOnSignIn(services, accountOf(row), kind))
  const message = `account ${account} asks for nothing until its sign-in works: ${refused.message}`
  const event = { event: 'credential.expiring', kind, message, remedy } as const
  await tellOnce(services, `sign-in~${account}`, event, { kind })
}
