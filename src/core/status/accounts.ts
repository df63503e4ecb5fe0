import { counted } from '../counted.ts'
import { type Advice, adviceOn, type SignInKind } from '../failures.ts'
import { DEFAULT_ACCOUNT } from '../feeds/feed.ts'
import { allowance, creationsWithinHour, type Pacing, type PacingLimits, waitsUntil } from '../plan/pacing.ts'
import { isSignInBlocked } from '../plan/refused-sign-in.ts'
import { present } from '../present.ts'
import { DAY_MS, HOUR_MS } from '../time/durations.ts'
import { minuteText } from '../time/instants.ts'
import { dayWords } from '../time/words.ts'
import { consentCommand, DOCTOR, REPORTS } from './command.ts'
import type { AccountStatus, ToDo } from './fields.ts'

/**
 * What an account says under each of its feeds: why it asks for nothing now, and what a person types. `isPaused`: the feed
 * would ask for a window before the account's wait is over.
 */
export function accountNotes(
  { name, refused, waitsUntil, reports }: AccountStatus,
  isPaused: boolean,
): readonly string[] {
  const asks = refused && (refused.blocks || refused.kind === 'unauthorized') ? 'waits' : 'may wait'
  return [
    ...(refused
      ? [`It ${asks} for account ${name}, whose sign-in is refused (${refused.kind}): "${refused.command}"`]
      : []),
    ...(isPaused && waitsUntil
      ? [`It waits with account ${name} until ${minuteText(waitsUntil)}: ${quotaWords(reports)}`]
      : []),
  ]
}

/** Why an account asks for fewer reports than it might. */
export function quotaWords({ perHour }: AccountStatus['reports']): string {
  return `the service refused a report for its quota; ${counted(perHour, 'report')} an hour`
}

/**
 * Why an account asks for nothing more now, although its sign-in works; undefined where it may ask. One report of an hour is
 * kept for what is live, so history waits before the hour is used up. `until`: how long the service asked the app to wait.
 */
export function quotaWait(
  { name, refused, reports }: Pick<AccountStatus, 'name' | 'reports'> & { readonly refused?: object },
  until: Date | undefined,
): string | undefined {
  const { lastHour, perHour } = reports
  if (until) return `account ${name} waits until ${minuteText(until)}: ${quotaWords(reports)}`
  if (refused || lastHour < Math.max(perHour - 1, 1)) return undefined
  const asked = `account ${name} has asked for ${counted(lastHour, 'report')} in the last hour, of ${perHour} at most`
  const waiting = lastHour < perHour ? ', and keeps one for what is live: history waits' : ': the next ones wait'
  return `${asked}${waiting} until earlier ones are an hour old`
}

/** Something that an account signs in with, and when it ends. */
export type Credential = { readonly what: 'client-secret' | 'certificate' | 'consent'; readonly expiresAt: Date }

/** An account as the ledger knows it. `auth`: how it signs in; undefined where its settings are not complete. `inFlight`: reports that the service is working on. */
export type KnownAccount = {
  readonly name: string
  readonly auth: string | undefined
  readonly pacing: Pacing
  readonly credentials: readonly Credential[]
  readonly inFlight: number
}

export function accountStatus(now: Date, account: KnownAccount, limits: PacingLimits): AccountStatus {
  const { name, auth, pacing, credentials, inFlight } = account
  const refused = pacing.refused?.works ? undefined : pacing.refused
  return present<AccountStatus>({
    name,
    waitsUntil: waitsUntil(pacing, now),
    refused: refused && {
      kind: refused.kind,
      message: refused.message,
      since: new Date(refused.since),
      triedAt: new Date(refused.triedAt),
      ...signInAdvice(refused.kind, name, auth),
      blocks: isSignInBlocked(pacing, now),
    },
    reports: {
      lastHour: creationsWithinHour(pacing, now),
      perHour: allowance(pacing, now.getTime(), limits),
      inFlight,
      maxInFlight: limits.maxInFlight,
    },
    credentials: credentials.map(({ what, expiresAt }) => ({
      what,
      endsAt: expiresAt,
      daysLeft: daysLeft(expiresAt, now),
    })),
  })
}

/** What a person does about a sign-in that is refused, by the way in which the account signs in. */
export function signInAdvice(kind: SignInKind, account: string, auth: string | undefined): Advice {
  const about = adviceOn(kind, { account })
  if (auth === 'refresh-token') return about
  if (auth === undefined) return { remedy: COMPLETE, command: DOCTOR }
  if (kind === 'mfa-required') {
    const remedy = `Only a person signs in with multi-factor: set ${settingName(account, 'AUTH')} to refresh-token, and sign in in a browser.`
    return { ...about, remedy }
  }
  if (auth === 'managed-identity') return { remedy: TRUST_IDENTITY, command: DOCTOR }
  const setting = settingName(account, auth.toUpperCase().replace('-', '_'))
  const remedy = `Store a valid ${auth} as partner-${account}-${auth} in the Key Vault, or without one as ${setting} in the settings. Then look whether it works.`
  return { remedy, command: DOCTOR }
}

const COMPLETE = 'Set what the message says is missing, as docs/settings.md lists it. Then look whether it works.'

const TRUST_IDENTITY =
  'Make the identity of the app a federated credential of the app registration. Then look whether it works.'

/** The name of a setting of the account, as docs/settings.md says. */
function settingName(account: string, what: string): string {
  return account === DEFAULT_ACCOUNT ? `PARTNER_${what}` : `PARTNER_${what}__${account.toUpperCase()}`
}

/** What of an account needs a person. */
export function accountToDo(now: Date, account: AccountStatus): readonly ToDo[] {
  return [...refusedSignIn(account), ...longPause(now, account), ...credentialToDo(now, account)]
}

function refusedSignIn({ name, refused }: AccountStatus): readonly ToDo[] {
  if (!refused) return []
  const { kind, message, remedy, command, since } = refused
  const sentence = `Account ${name} cannot sign in (${kind}), and asks for nothing until it can: ${message}; what landed stays`
  return [{ kind: 'sign-in-refused', account: name, sentence, remedy, command, since }]
}

/** A shorter pause is no news: the service asks for it whenever its quota is used up. */
const LONG_PAUSE_MS = HOUR_MS

function longPause(now: Date, { name, waitsUntil: until, reports }: AccountStatus): readonly ToDo[] {
  if (!until || until.getTime() - now.getTime() <= LONG_PAUSE_MS) return []
  const sentence = `Account ${name} waits until ${minuteText(until)}: ${quotaWords(reports)} then`
  const remedy =
    'Nothing to do if it is the first time. Else see what else asks with this account, or lower MAX_REPORTS_PER_HOUR.'
  return [{ kind: 'account-paused', account: name, sentence, remedy, command: REPORTS }]
}

/** A credential with fewer days left needs a person. */
const FEW_DAYS = 30

/** What to say of a credential that has ended or ends soon. */
type Ending = {
  readonly what: Credential['what']
  readonly isOver: boolean
  readonly sentence: string
  readonly remedy: string
}

/** What an account signs in with and ends soon, or has ended. */
export function endingCredentials(now: Date, name: string, credentials: readonly Credential[]): readonly Ending[] {
  return credentials
    .filter(({ expiresAt }) => daysLeft(expiresAt, now) < FEW_DAYS)
    .map(({ what, expiresAt }): Ending => {
      const isOver = expiresAt <= now
      const left = daysLeft(expiresAt, now)
      const when = isOver
        ? `ended on ${dayWords(expiresAt)}`
        : `ends on ${dayWords(expiresAt)}, in ${counted(left, 'day')}`
      const renewed = `Store a new ${what} for the account, then look whether it works.`
      const remedy = what === 'consent' ? 'Sign in again.' : renewed
      return { what, isOver, sentence: `The ${what} of account ${name} ${when}`, remedy }
    })
}

/** How long what is known of the credentials stays: a day, and an hour while one ends soon, so that a new one is seen. */
export function nextLookMs(now: Date, credentials: readonly Credential[]): number {
  return endingCredentials(now, '', credentials).length > 0 ? HOUR_MS : DAY_MS
}

function credentialToDo(now: Date, { name, credentials }: AccountStatus): readonly ToDo[] {
  const dated = credentials.map(({ what, endsAt }) => ({ what, expiresAt: endsAt }))
  return endingCredentials(now, name, dated).map(({ what, isOver, sentence, remedy }): ToDo => {
    const kind = isOver ? 'credential-ended' : 'credential-expiring'
    return { kind, account: name, sentence, remedy, command: what === 'consent' ? consentCommand(name) : DOCTOR }
  })
}

function daysLeft(endsAt: Date, now: Date): number {
  return Math.floor((endsAt.getTime() - now.getTime()) / DAY_MS)
}
