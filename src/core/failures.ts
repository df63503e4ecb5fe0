import { plainMessage } from './plain-text.ts'

/**
 * The only list of failures that an operator can see: what heals each kind, and what a person does.
 * `time`: the sweep tries again by itself. `change`: something outside the app has to change first.
 * `person`: nothing happens until a person decides.
 */
export const FAILURES = {
  unavailable: {
    heals: 'time',
    remedy: 'Nothing to do: the service or the network did not answer. The app tries again.',
  },
  unauthorized: { heals: 'time', remedy: 'Check the PARTNER_… settings and the consent of the account.' },
  deadline: { heals: 'time', remedy: 'Nothing to do: the report was never ready. The app asks for it again.' },
  storage: {
    heals: 'time',
    remedy: 'Check that the app can reach the storage account of DataStorage and has its roles.',
  },
  poison: { heals: 'time', remedy: 'Read the exceptions of the ingest function. The app tries the window again.' },
  'link-refused': { heals: 'time', remedy: 'Check REPORT_DOWNLOAD_HOSTS against the host named in the message.' },
  'mfa-required': {
    heals: 'change',
    remedy: 'Sign in again with multi-factor: run the command consent for the account.',
  },
  forbidden: {
    heals: 'change',
    remedy:
      'Give the account the Executive Report Viewer role, and sign in to the AI Cloud Partner Program tenant: Insights is visible in that account only, not in the CSP account.',
  },
  redacted: {
    heals: 'change',
    remedy: 'Give the account a role that sees all data, or set allowRedacted on the feed.',
  },
  'query-refused': {
    heals: 'change',
    remedy: 'Correct the query or the columns of the feed, or take a new name where the message says so.',
  },
  'column-missing': {
    heals: 'change',
    remedy: 'Correct the columns of the feed: the report lacks those in the message.',
  },
  'column-new': { heals: 'change', remedy: 'Name the new column in the feed, or set newColumns to land.' },
  'outside-window': {
    heals: 'change',
    remedy: 'The report has rows outside the window. Check whether the query has a TIMESPAN.',
  },
  'table-taken': { heals: 'change', remedy: 'Name another table in the feed: a table holds the rows of one feed.' },
  malformed: { heals: 'person', remedy: 'Look at the archived report, then ask for the window again.' },
  'too-many-rejects': {
    heals: 'person',
    remedy: 'Read the rejects next to the archive, then correct types or raise maxRejects.',
  },
  'suspicious-empty': { heals: 'person', remedy: 'If the window is really empty now, retry it with --accept-empty.' },
  'no-header': { heals: 'person', remedy: 'The report has no header line. Ask for the window again.' },
  'out-of-range': {
    heals: 'person',
    remedy:
      'The dataset no longer offers this window. Import a file of your own if you have one, else accept that it has no rows.',
  },
  'unreadable-entry': {
    heals: 'person',
    remedy:
      'Something else changed the row. Take a window out with the command forget: it is asked for anew. A row of _app: delete it.',
  },
} as const satisfies Record<string, { heals: 'time' | 'change' | 'person'; remedy: string }>

export type FailureKind = keyof typeof FAILURES

/** Marks the failures that `failed` creates. Other values have a kind and a message too, such as a failed ledger entry. */
const mark = Symbol('failure')

/** An expected failure: a value, never thrown. `message` is one line, safe to log and to store. */
export type Failure = { readonly kind: FailureKind; readonly message: string; readonly [mark]: true }

/**
 * Creates a failure. `message` says what failed and where. It never contains a token, a secret or a signed address, and
 * what it contains of other people's texts is made safe here: one line, without control characters, 1,000 at most.
 */
export function failed(kind: FailureKind, message: string): Failure {
  return { kind, message: plainMessage(message), [mark]: true }
}

/** The kinds that are about the sign-in of an account, and so about all its feeds. */
export type SignInKind = Extract<FailureKind, 'unauthorized' | 'mfa-required'>

/** Whether a failure is about the sign-in of an account. It says nothing about a window or a feed. */
export function isOfSignIn<F extends { readonly kind: FailureKind }>(
  failure: F,
): failure is F & { readonly kind: SignInKind } {
  return failure.kind === 'unauthorized' || failure.kind === 'mfa-required'
}

/** Whether a failure blocks its feed: only a change heals it, and it is not about the sign-in of the account. */
export function blocksFeed(failure: Failure): boolean {
  return FAILURES[failure.kind].heals === 'change' && !isOfSignIn(failure)
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && mark in value
}
