import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { DAY_MS } from '../../core/time/durations.ts'
import { type RetryOptions, withRetry } from '../retry.ts'
import type { Ledger } from '../storage/ledger.ts'
import type { KeyVault, Secret } from './key-vault.ts'
import { findSecret, needSecret, type RefreshSignIn, refusedSignIn, vaultName } from './sign-in.ts'
import { type TokenLease, takeTokenLease } from './token-lease.ts'
import { type AccessToken, isPassing, redeem, type TokenAnswer } from './token-request.ts'

/** A stored refresh token that is older than this is replaced. It would expire after 90 days without use. */
const STORE_AFTER_MS = DAY_MS

/**
 * An instance whose token is refused looks so often, and so far apart, whether another instance has stored a new one.
 */
const LOOKS = 30
const LOOK_EVERY_MS = 1_000

/** Where refresh tokens are kept across restarts, and what keeps two instances from storing at once. */
export type TokenStore = {
  readonly vault: KeyVault
  readonly ledger: Pick<Ledger, 'readApp' | 'writeApp'>
  readonly newId: () => string
  readonly retry: RetryOptions
  /** Called when a new token could not be stored: the stored one will expire some day. */
  readonly warn: (message: string) => void
}

type Renewal = {
  readonly signIn: RefreshSignIn
  readonly store: TokenStore | undefined
  readonly clock: () => Date
  readonly retry: RetryOptions | undefined
  /** The refresh token that the last renewal gave. It is used when the stored one is refused. */
  latest: string | undefined
}

/**
 * Gives a function that fetches a token by redeeming the account's refresh token. It always starts with the stored one,
 * so that a new consent works at once. Redeeming gives a successor, which is stored when the stored token is over a day
 * old or was refused. Storing needs a lease, because a Key Vault has no conditional write.
 */
export function openRenewal(
  signIn: RefreshSignIn,
  store: TokenStore | undefined,
  clock: () => Date,
  retry: RetryOptions | undefined,
): () => Promise<AccessToken | Failure> {
  const renewal: Renewal = { signIn, store, clock, retry, latest: undefined }
  return async () => {
    const stored = await readStored(renewal)
    if (isFailure(stored)) return stored
    const lease = store && isOld(stored, clock) ? await takeLease(renewal, store) : undefined
    if (store && lease) return renewUnderLease(renewal, store, lease)
    const answer = await redeemToken(renewal, stored.value)
    if (!isRefused(answer)) return conclude(renewal, answer)
    if (store) return replaceRefused(renewal, store, { value: stored.value, answer })
    return conclude(renewal, await redeemLatest(renewal, stored, answer))
  }
}

function readStored({ signIn, store }: Renewal): Promise<Secret | Failure> {
  return needSecret(signIn.name, 'refresh-token', signIn.refreshToken, store?.vault)
}

/** A token from the settings has no age. It counts as old, so that it gets into the vault. */
function isOld({ storedAt }: Secret, clock: () => Date): boolean {
  return storedAt === undefined || clock().getTime() - storedAt.getTime() > STORE_AFTER_MS
}

/** A refresh token that the authority refused, and its answer. */
type RefusedToken = { readonly value: string; readonly answer: TokenAnswer }

/** The stored token was refused, but another instance or a person may be storing a better one at this moment. */
async function replaceRefused(
  renewal: Renewal,
  store: TokenStore,
  refused: RefusedToken,
): Promise<AccessToken | Failure> {
  for (let look = 0; look < LOOKS; look++) {
    const lease = await takeLease(renewal, store)
    if (lease) return renewUnderLease(renewal, store, lease, refused)
    await store.retry.wait(LOOK_EVERY_MS)
  }
  const what = `sign-in of account ${renewal.signIn.name}: another instance renews its refresh token`
  return failed('unavailable', `${what}; it is tried again`)
}

async function renewUnderLease(
  renewal: Renewal,
  store: TokenStore,
  lease: TokenLease,
  refused?: RefusedToken,
): Promise<AccessToken | Failure> {
  try {
    const stored = await readStored(renewal)
    if (isFailure(stored)) return stored
    const first = refused?.value === stored.value ? refused.answer : await redeemToken(renewal, stored.value)
    const answer = isRefused(first) ? await redeemLatest(renewal, stored, first) : first
    if (isFailure(answer)) return answer
    const isDue = isRefused(first) || isOld(stored, renewal.clock)
    if (answer.refreshToken && isDue) {
      await storeSuccessor(renewal, store, { lease, replaces: stored.value, by: answer.refreshToken })
    }
    return conclude(renewal, answer)
  } finally {
    await lease.release()
  }
}

/** Redeems the token of the last renewal in place of the stored one. Without another token the refusal stands. */
async function redeemLatest(renewal: Renewal, stored: Secret, refusal: TokenAnswer): Promise<TokenAnswer | Failure> {
  const { latest } = renewal
  return latest === undefined || latest === stored.value ? refusal : redeemToken(renewal, latest)
}

/** Whether the refresh token itself is refused. Another token would change no other failure. */
function isRefused(answer: TokenAnswer | Failure): answer is TokenAnswer {
  return !isFailure(answer) && answer.status < 500 && /^invalid_grant\b/.test(answer.refusal)
}

type Replacement = { readonly lease: TokenLease; readonly replaces: string; readonly by: string }

/**
 * Stores the successor, unless the lease is lost or a person has stored another token meanwhile: the token of a new
 * consent counts for more. The access token is good in any case, and the next renewal tries to store again.
 */
async function storeSuccessor(renewal: Renewal, store: TokenStore, replacement: Replacement): Promise<void> {
  const { lease, replaces, by } = replacement
  const { name } = renewal.signIn
  const current = await readStored(renewal)
  if (!isFailure(current) && current.value !== replaces) return
  if (!(await lease.extend())) return
  const failure = isFailure(current) ? current : await store.vault.set(vaultName(name, 'refresh-token'), by)
  if (failure) store.warn(`account ${name}: its new refresh token was not stored: ${failure.message}`)
}

function takeLease({ signIn, clock }: Renewal, { ledger, newId }: TokenStore): Promise<TokenLease | undefined> {
  return takeTokenLease({ ledger, account: signIn.name, clock, owner: newId() })
}

async function redeemToken(
  { signIn, store, clock, retry }: Renewal,
  refreshToken: string,
): Promise<TokenAnswer | Failure> {
  const secret = await findSecret(signIn.name, 'client-secret', signIn.clientSecret, store?.vault)
  if (isFailure(secret)) return secret
  const request = {
    url: `${signIn.authorityHost}/${signIn.tenantId}/oauth2/v2.0/token`,
    account: signIn.name,
    clientId: signIn.clientId,
    refreshToken,
    ...(secret && { clientSecret: secret.value }),
  }
  const send = () => redeem(request, clock)
  return retry ? withRetry(send, retry) : send()
}

function conclude(renewal: Renewal, answer: TokenAnswer | Failure): AccessToken | Failure {
  if (isFailure(answer)) return answer
  if (answer.refreshToken) renewal.latest = answer.refreshToken
  if (answer.token) return answer.token
  const { status, refusal } = answer
  if (status < 500 && status !== 429) return refusedSignIn(renewal.signIn, `${status} ${refusal}`.trim())
  const answered = isPassing(refusal) ? refusal : status
  const what = `sign-in of account ${renewal.signIn.name}: the authority answered ${answered}`
  return failed('unavailable', `${what}; it is tried again`)
}
