import { HOUR_MS, MINUTE_MS } from '../time/durations.ts'
import type { Pacing, RefusedSignIn } from './pacing.ts'

// The service, or the authority, does not accept the sign-in of an account. `unauthorized` fails the window that was asked
// for; from then on the sign-in is tried before anything is asked for, at every tick. `mfa-required` is said intermittently
// at first, so for an hour nothing fails and each tick asks again; then it blocks the account, which asks once an hour.

/** A little less than an hour, so that the tick of the next hour finds the trial due. */
const TRIAL_MS = HOUR_MS - 5 * MINUTE_MS

/** The sign-in was refused, for the first time or once more. */
export function withRefusedSignIn(
  pacing: Pacing,
  { kind, message }: Pick<RefusedSignIn, 'kind' | 'message'>,
  now: Date,
): Pacing {
  const { refused } = pacing
  const at = now.toISOString()
  const isSame = refused?.kind === kind && !refused.works
  return { ...pacing, refused: { kind, message, since: isSame ? refused.since : at, triedAt: at } }
}

/**
 * The sign-in works: what failed because it did not is asked for again. Where a report was refused although the sign-in
 * works, this would ask for that report again and again, so it counts once an hour, and until then is only noted.
 */
export function withoutRefusedSignIn(pacing: Pacing, now: Date): Pacing {
  const { refused, ...rest } = pacing
  if (!refused) return pacing
  const counts = refused.kind === 'mfa-required' || mayReopen(pacing, now)
  if (counts) return { ...rest, signedInAt: now.toISOString() }
  return refused.works ? pacing : { ...pacing, refused: { ...refused, works: true } }
}

/** Whether the sign-in was refused for so long that the account asks for nothing until it works again. */
export function isSignInBlocked({ refused }: Pacing, now: Date): boolean {
  return refused?.kind === 'mfa-required' && hasBeen(refused.since, HOUR_MS, now)
}

/** Whether a refused sign-in is to be tried now. */
export function isTrialDue(pacing: Pacing, now: Date): boolean {
  const { refused } = pacing
  if (!refused) return false
  if (isSignInBlocked(pacing, now)) return hasBeen(refused.triedAt, TRIAL_MS, now)
  return refused.kind === 'mfa-required' || mayReopen(pacing, now)
}

/** Whether a refused sign-in is to be tried while nothing is asked for, so that nothing else shows that it works. */
export function isIdleTrialDue(pacing: Pacing, now: Date): boolean {
  const { refused } = pacing
  return isTrialDue(pacing, now) || (refused?.kind === 'unauthorized' && !refused.works)
}

function mayReopen({ signedInAt }: Pacing, now: Date): boolean {
  return signedInAt === undefined || hasBeen(signedInAt, TRIAL_MS, now)
}

/** Whether an instant is so long ago. One as far ahead was written by a clock that was wrong. */
function hasBeen(at: string, milliseconds: number, now: Date): boolean {
  return Math.abs(now.getTime() - Date.parse(at)) >= milliseconds
}
