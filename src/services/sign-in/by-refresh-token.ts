import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { type RetryOptions, withRetry } from '../retry.ts'
import type { Ledger } from '../storage/ledger-table.ts'
import type { KeyVault, Secret } from './key-vault.ts'
import { findSecret, needSecret, vaultName } from './secrets.ts'
import type { SignIn } from './sign-in.ts'
import { refusedSignIn } from './sign-in.ts'
import { type TokenLease, takeTokenLease } from './token-lease.ts'
import { redeem, type Token, type TokenAnswer } from './token-request.ts'

/** The stored refresh token is replaced once it is older than this, in milliseconds. It dies after 90 days unused. */
const STORE_AFTER = 24 * 3_600_000

/** How often, and how many milliseconds apart, an instance whose token is refused looks whether another has a new one. */
const LOOKS = 30
const LOOK_EVERY = 1_000

/** Where refresh tokens are kept over restarts, and what keeps two instances from storing at once. */
export type TokenKeeping = {
  readonly vault: KeyVault
  readonly ledger: Pick<Ledger, 'readApp' | 'writeApp'>
  readonly newId: () => string
  readonly retry: RetryOptions
  /** Told when a new token could not be stored: the stored one will die some day. */
  readonly notice: (message: string) => void
}

export type RefreshSignIn = Extract<SignIn, { auth: 'refresh-token' }>

type Context = {
  readonly signIn: RefreshSignIn
  readonly keeping: TokenKeeping | undefined
  readonly clock: () => Date
  /** What the last renewal gave; kept for the day the stored one is refused. */
  latest: string | undefined
}

/**
 * Gives what fetches a token by redeeming the account's refresh token. The one stored is used, so that a new consent
 * works at once; its successor is stored when it is over a day old or was refused, under a lease, because a Key Vault
 * has no conditional write.
 */
export function openRenewal(
  signIn: RefreshSignIn,
  keeping: TokenKeeping | undefined,
  clock: () => Date,
): () => Promise<Token | Failure> {
  const context: Context = { signIn, keeping, clock, latest: undefined }
  return async () => {
    const stored = await readStored(context)
    if (isFailure(stored)) return stored
    if (keeping && isOld(stored, clock)) return renewOld(context, keeping, stored)
    const answer = await redeemed(context, stored.value)
    if (!isRefused(answer)) return concluded(context, answer)
    return keeping ? replaceRefused(context, keeping, stored, answer) : redeemLatest(context, stored, answer)
  }
}

function readStored({ signIn, keeping }: Context): Promise<Secret | Failure> {
  return needSecret(signIn.name, 'refresh-token', signIn.refreshToken, keeping?.vault)
}

/** A token of the settings has no age: it is stored in the vault at the first chance. */
function isOld({ storedAt }: Secret, clock: () => Date): boolean {
  return storedAt === undefined || clock().getTime() - storedAt.getTime() > STORE_AFTER
}

/** Whoever has the lease stores the successor; the others only take their token. */
async function renewOld(context: Context, keeping: TokenKeeping, stored: Secret): Promise<Token | Failure> {
  const lease = await leaseOf(context, keeping)
  if (lease) return underLease(context, keeping, lease)
  const answer = await redeemed(context, stored.value)
  return isRefused(answer) ? replaceRefused(context, keeping, stored, answer) : concluded(context, answer)
}

/** The stored token was refused: another instance, or a person, may have stored or be storing a better one. */
async function replaceRefused(
  context: Context,
  keeping: TokenKeeping,
  stored: Secret,
  refusal: TokenAnswer,
): Promise<Token | Failure> {
  for (let look = 0; look < LOOKS; look++) {
    const lease = await leaseOf(context, keeping)
    if (lease) return underLease(context, keeping, lease, { value: stored.value, answer: refusal })
    await keeping.retry.wait(LOOK_EVERY)
  }
  const what = `sign-in of account ${context.signIn.name}: another instance renews its refresh token`
  return failed('unavailable', `${what}; it is tried again`)
}

type Refused = { readonly value: string; readonly answer: TokenAnswer }

async function underLease(
  context: Context,
  keeping: TokenKeeping,
  lease: TokenLease,
  refused?: Refused,
): Promise<Token | Failure> {
  try {
    const stored = await readStored(context)
    if (isFailure(stored)) return stored
    const isKnown = refused?.value === stored.value
    const first = isKnown ? refused.answer : await redeemed(context, stored.value)
    const answer = isRefused(first) ? await answerOfLatest(context, stored, first) : first
    if (isFailure(answer)) return answer
    const isDue = isRefused(first) || isOld(stored, context.clock)
    if (answer.refreshToken && isDue)
      await store(context, keeping, { lease, replaces: stored.value, by: answer.refreshToken })
    return concluded(context, answer)
  } finally {
    await lease.release()
  }
}

async function answerOfLatest(context: Context, stored: Secret, refusal: TokenAnswer): Promise<TokenAnswer | Failure> {
  const { latest } = context
  return latest === undefined || latest === stored.value ? refusal : redeemed(context, latest)
}

async function redeemLatest(context: Context, stored: Secret, refusal: TokenAnswer): Promise<Token | Failure> {
  return concluded(context, await answerOfLatest(context, stored, refusal))
}

/** Whether it is the refresh token that is no good; anything else another token would not change. */
function isRefused(answer: TokenAnswer | Failure): answer is TokenAnswer {
  return !isFailure(answer) && answer.status < 500 && /^invalid_grant\b/.test(answer.refusal)
}

type Replacement = { readonly lease: TokenLease; readonly replaces: string; readonly by: string }

/**
 * Stores the successor, unless the lease is lost or a person has stored another token meanwhile: that of a new consent is
 * worth more. The token just fetched is good all the same, and the next renewal tries to store again.
 */
async function store(context: Context, { vault, notice }: TokenKeeping, replacement: Replacement): Promise<void> {
  const { lease, replaces, by } = replacement
  const { name } = context.signIn
  const current = await readStored(context)
  if (!isFailure(current) && current.value !== replaces) return
  if (!(await lease.confirm())) return
  const failure = isFailure(current) ? current : await vault.set(vaultName(name, 'refresh-token'), by)
  if (failure) notice(`account ${name}: its new refresh token was not stored: ${failure.message}`)
}

function leaseOf({ signIn, clock }: Context, { ledger, newId }: TokenKeeping): Promise<TokenLease | undefined> {
  return takeTokenLease({ ledger, account: signIn.name, clock, owner: newId() })
}

async function redeemed(context: Context, refreshToken: string): Promise<TokenAnswer | Failure> {
  const { signIn, keeping, clock } = context
  const secret = await findSecret(signIn.name, 'client-secret', signIn.clientSecret, keeping?.vault)
  if (isFailure(secret)) return secret
  const request = {
    url: `${signIn.authorityHost}/${signIn.tenantId}/oauth2/v2.0/token`,
    ...{ account: signIn.name, clientId: signIn.clientId, refreshToken },
    ...(secret && { clientSecret: secret.value }),
  }
  const send = () => redeem(request, clock)
  return keeping ? withRetry(send, keeping.retry) : send()
}

function concluded(context: Context, answer: TokenAnswer | Failure): Token | Failure {
  if (isFailure(answer)) return answer
  if (answer.refreshToken) context.latest = answer.refreshToken
  if (answer.token) return answer.token
  const { status, refusal } = answer
  if (status < 500 && status !== 429) return refusedSignIn(context.signIn, `${status} ${refusal}`.trim())
  const what = `sign-in of account ${context.signIn.name}: the authority answered ${status}`
  return failed('unavailable', `${what}; it is tried again`)
}
