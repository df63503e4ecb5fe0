import { counted } from './counted.ts'
import { type About, adviceOn, adviceText, type Failure, PROGRAM } from './failures.ts'
import type { Feed } from './feeds/feed.ts'
import { type ListedDataset, namesListed } from './feeds/feed-query.ts'
import { quotaWords } from './status/accounts.ts'
import { REPORTS } from './status/command.ts'
import type { AccountStatus } from './status/fields.ts'
import { DAY_MS, MINUTE_MS } from './time/durations.ts'
import { dayText, minuteText } from './time/instants.ts'

/** The result of one check of the doctor. Only a problem makes the command fail. */
export type Finding = {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'problem'
  readonly message: string
  readonly remedy?: string
  /** The account that it is about. `auth`: how it signs in, where its settings tell. */
  readonly account?: { readonly name: string; readonly auth?: string }
  /** The feed that it is about. */
  readonly feed?: string
}

/** Entra refuses an assertion whose clock is further off than this. */
const MAX_SKEW_MS = 5 * MINUTE_MS

/** A credential that ends sooner than this gets a warning. */
const WARN_BEFORE_MS = 30 * DAY_MS

export function well(check: string, message: string): Finding {
  return { check, level: 'ok', message }
}

export function warning(check: string, message: string, remedy: string): Finding {
  return { check, level: 'warning', message, remedy }
}

export function problem(check: string, message: string, remedy: string): Finding {
  return { check, level: 'problem', message, remedy }
}

/** Reports a failure that the app would have too, with its remedy from the list of failures. */
export function failing(check: string, { kind, message }: Failure, about: About): Finding {
  return problem(check, message, adviceText(adviceOn(kind, about)))
}

/** A finding about a feed. */
export function aboutFeed(feed: string, finding: Finding): Finding {
  return { ...finding, feed }
}

/**
 * Findings of which no feed is called both ok and not ok. What the catalogue alone says of a query (`doubts`) no longer
 * matters where the service has judged it (`query`), or where the feed has a problem; a feed with a problem, or with a doubt
 * that is left, has nothing that is ok.
 */
export function ofOneMind(findings: readonly Finding[], doubts: readonly Finding[]): readonly Finding[] {
  const judged = feedsOf(findings.filter(({ check }) => check === 'query'))
  const ill = feedsOf(findings.filter(({ level }) => level === 'problem'))
  const left = doubts.filter(({ feed }) => feed === undefined || !(judged.has(feed) || ill.has(feed)))
  const notWell = new Set([...ill, ...feedsOf(left)])
  return [...findings.filter(({ level, feed }) => level !== 'ok' || feed === undefined || !notWell.has(feed)), ...left]
}

function feedsOf(findings: readonly Finding[]): ReadonlySet<string> {
  return new Set(findings.flatMap(({ feed }) => feed ?? []))
}

export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'problem')
}

/** Checks how far this clock is behind the service's. A negative `behindMs` means ahead. */
export function clockFinding(behindMs: number): Finding {
  const skewMs = Math.abs(behindMs)
  const message = `this clock is ${Math.round(skewMs / 1000)} s ${behindMs < 0 ? 'ahead of' : 'behind'} the service's`
  const remedy = 'Set the clock of this machine: sign-in and due times depend on it.'
  if (skewMs > MAX_SKEW_MS) return problem('clock', message, remedy)
  return skewMs > MINUTE_MS ? warning('clock', message, remedy) : well('clock', 'it agrees with the service')
}

/** What the doctor says of the quota of an account. */
export function quotaFinding({ name, waitsUntil, reports }: AccountStatus): Finding {
  const { lastHour, perHour } = reports
  if (!waitsUntil)
    return well('quota', `account ${name} has asked for ${lastHour} of ${counted(perHour, 'report')} this hour`)
  return warning('quota', `account ${name} waits until ${minuteText(waitsUntil)}: ${quotaWords(reports)}`, WAIT)
}

const WAIT = `Nothing to do: it asks again by itself. If it comes back, see what else asks with this account. Type: ${REPORTS}`

/** Checks when a credential or consent of an account ends. */
export function expiryFinding(account: string, what: string, expiresAt: Date, now: Date): Finding {
  const leftMs = expiresAt.getTime() - now.getTime()
  const day = dayText(expiresAt)
  const consent = `Sign in again. Type: ${PROGRAM} consent --account ${account}`
  const remedy = what === 'consent' ? consent : `Store a new ${what} as partner-${account}-${what} in the Key Vault.`
  if (leftMs <= 0) return problem('expiry', `account ${account}: its ${what} ended on ${day}`, remedy)
  const message = `account ${account}: its ${what} ends on ${day}, in ${counted(Math.floor(leftMs / DAY_MS), 'day')}`
  return leftMs < WARN_BEFORE_MS ? warning('expiry', message, remedy) : well('expiry', message)
}

/**
 * Warns of a sign-in without multi-factor before the service refuses it. The service knows best; where it says nothing, the
 * token's own word counts. No finding where neither says anything, as for an application alone.
 */
export function mfaFindings(
  account: string,
  isCompliant: boolean | undefined,
  methods: readonly string[] | undefined,
): readonly Finding[] {
  const has = isCompliant ?? methods?.includes('mfa')
  if (has === undefined) return []
  if (has) return [well('sign-in', `account ${account} signs in with multi-factor`)]
  const seen = isCompliant === false ? 'the service says so' : `its token names ${methods?.join(', ') || 'nothing'}`
  const message = `account ${account} signs in without multi-factor (${seen}), which the service will refuse`
  return [warning('sign-in', message, adviceText(adviceOn('mfa-required', { account })))]
}

/** Checks the status that `health` at the callback address returned. */
export function healthFinding(status: number): Finding {
  if (status === 200) return well('callback', 'the app answers at CALLBACK_BASE_URL')
  if (status === 503) {
    const remedy = 'Read the events app.settings and timer.silent in its log, or run doctor with its settings.'
    const message = 'the app at CALLBACK_BASE_URL says that its settings are wrong or a timer is silent (503)'
    return problem('callback', message, remedy)
  }
  const remedy = 'Set CALLBACK_BASE_URL to https://<site host>/api/callback, or to off to work without callbacks.'
  return problem('callback', `health next to CALLBACK_BASE_URL answered ${status}, not 200`, remedy)
}

/** Checks the status that a callback with a forged token returned. Only 404 is right. */
export function forgedFinding(status: number): Finding {
  if (status === 404) return well('callback', 'a forged callback is refused')
  if (status === 401 || status === 403 || (status >= 300 && status < 400)) {
    const remedy = 'Exempt /api/callback from the sign-in in front of the app; its path holds a token.'
    return problem('callback', `something in front of the app refuses callbacks (${status})`, remedy)
  }
  const remedy = 'Make sure that CALLBACK_BASE_URL leads to this app, and redeploy it.'
  return problem('callback', `a forged callback was answered with ${status}, not 404`, remedy)
}

/** Checks whether the service lists the dataset of a feed, and every column that the feed asks for. */
export function offeredFinding(
  { name, dataset, source }: Feed,
  live: Pick<ListedDataset, 'columns' | 'metrics'> | undefined,
): Finding {
  if (!live) {
    const message = `feed ${name}: the service does not offer dataset ${dataset} to this account`
    return problem(
      'dataset',
      message,
      'Choose a dataset that the command datasets lists, or give the account a role that includes this one.',
    )
  }
  const wanted = source.kind === 'columns' ? (source.columns ?? []) : []
  const find = namesListed(dataset, live)
  const missing = wanted.filter((column) => find(column) === undefined)
  if (missing.length === 0) return well('dataset', `feed ${name}: ${dataset} offers everything the feed asks for`)
  const message = `feed ${name}: ${dataset} does not list ${missing.join(', ')}`
  return problem(
    'columns',
    message,
    'Correct the columns of the feed. The command datasets --json lists the available ones.',
  )
}
