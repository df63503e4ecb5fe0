import { plainMessage } from './plain-text.ts'

/** What a person types before the name of a command. */
export const PROGRAM = 'npx partner-insights-sync'

/**
 * The only list of failures that an operator can see: what heals each kind, what a person does, and what they type then.
 * `time`: the sweep tries again by itself. `change`: something outside the app has to change first.
 * `person`: nothing happens until a person decides. `<feed>`, `<window>` and `<account>` stand for those of the failure.
 */
export const FAILURES = {
  unavailable: {
    heals: 'time',
    remedy:
      'Nothing to do: the service or the network did not answer, and the app tries again. If it lasts, look which of them does not.',
    command: 'doctor',
  },
  unauthorized: {
    heals: 'time',
    remedy: 'Sign in again in a browser.',
    command: 'consent --account <account>',
  },
  deadline: {
    heals: 'time',
    remedy: 'Nothing to do: the report was never ready, and the app asks for it again. You may ask sooner.',
    command: 'retry <feed> <window>',
  },
  storage: {
    heals: 'time',
    remedy:
      'Look with "doctor" whether the app can reach the storage account of DataStorage and has its roles there. Then ask for the window again.',
    command: 'retry <feed> <window>',
  },
  poison: {
    heals: 'time',
    remedy:
      'Read in the log why the function ingest failed. Then ask for the window again; the app does so by itself, but later.',
    command: 'retry <feed> <window>',
  },
  'link-refused': {
    heals: 'time',
    remedy:
      'If you trust the host that the message names, add it to REPORT_DOWNLOAD_HOSTS. Then ask for the window again.',
    command: 'retry <feed> <window>',
  },
  'mfa-required': {
    heals: 'change',
    remedy: 'Sign in again in a browser, with multi-factor.',
    command: 'consent --account <account>',
  },
  forbidden: {
    heals: 'change',
    remedy:
      'Give the account the Executive Report Viewer role, in the AI Cloud Partner Program tenant: Insights is visible in that account only, not in the CSP account. Then let the feed ask again.',
    command: 'unblock <feed>',
  },
  redacted: {
    heals: 'change',
    remedy:
      'Give the account a role that sees all data, and let the feed ask again. Or set allowRedacted of the feed in feeds.json, and type "feeds push".',
    command: 'unblock <feed>',
  },
  'query-refused': {
    heals: 'change',
    remedy:
      'Correct in feeds.json what the message names: the query or the columns of the feed, or its name. Then give the file to the app.',
    command: 'feeds push',
  },
  'column-missing': {
    heals: 'change',
    remedy:
      'Correct in feeds.json the columns of the feed that the message names, or leave them out: the report lacks them. Then give the file to the app. Or, if the report has them again or the feed names none, type "unblock <feed>".',
    command: 'feeds push',
  },
  'column-new': {
    heals: 'change',
    remedy:
      'Name the new column in the columns of the feed in feeds.json, or set its newColumns to land. Then give the file to the app.',
    command: 'feeds push',
  },
  'outside-window': {
    heals: 'change',
    remedy:
      'Take TIMESPAN out of the query of the feed in feeds.json. Then give the file to the app. If the query has none, the service ignores the times that it is asked for: tell its support, and type "unblock <feed>" once it heeds them.',
    command: 'feeds push',
  },
  'table-taken': {
    heals: 'change',
    remedy:
      'Name another table of the feed in feeds.json: a table holds the rows of one feed. Then give the file to the app.',
    command: 'feeds push',
  },
  malformed: {
    heals: 'person',
    remedy: 'The file is no report, or is broken where the message says: ask for the window again.',
    command: 'retry <feed> <window>',
  },
  'too-many-rejects': {
    heals: 'person',
    remedy:
      'See which values do not fit their types. Then correct types of the feed in feeds.json, or raise its maxRejects, and type "feeds push": the next tick asks for the window again.',
    command: 'rejects --feed <feed> <window>',
  },
  'suspicious-empty': {
    heals: 'person',
    remedy: 'If the window is really empty now, ask for it again and accept that.',
    command: 'retry <feed> <window> --accept-empty',
  },
  'no-header': {
    heals: 'person',
    remedy: 'The file is empty, without even a header: ask for the window again.',
    command: 'retry <feed> <window>',
  },
  'out-of-range': {
    heals: 'person',
    remedy:
      'The dataset no longer offers this window. If you have a file of it, type "import <feed> <file> <window>". Else accept that it has no rows.',
    command: 'accept-gap <feed> <window>',
  },
  'unreadable-entry': {
    heals: 'person',
    remedy:
      'Something else changed this row of the ledger. Take its window out: it is asked for anew. A row of _app: delete it in any storage tool.',
    command: 'forget <feed> <window>',
  },
} as const satisfies Record<
  string,
  { readonly heals: 'time' | 'change' | 'person'; readonly remedy: string; readonly command: string }
>

export type FailureKind = keyof typeof FAILURES

/** What a failure is about, as commands take it. `window`: the option that names it, such as `--month 2025-03`. */
export type About = { readonly account?: string; readonly feed?: string; readonly window?: string }

/** What a person does about something, and the command that they type then. */
export type Advice = { readonly remedy: string; readonly command: string }

/** What a person does about a kind of failure. What is not known of it stays a place to fill in, such as `<window>`. */
export function adviceOn(kind: FailureKind, about: About = {}): Advice {
  return filled(FAILURES[kind], about)
}

/** The advice with the names in place of `<feed>`, `<window>` and `<account>`. */
export function filled({ remedy, command }: Advice, about: About): Advice {
  return { remedy: withNames(remedy, about), command: `${PROGRAM} ${withNames(command, about)}` }
}

function withNames(text: string, about: About): string {
  return text.replace(/<(account|feed|window)>/g, (place, name: keyof About) => about[name] ?? place)
}

/** An advice in one text, for where a command has no line of its own. */
export function adviceText({ remedy, command }: Advice): string {
  return `${remedy} Type: ${command}`
}

/** Marks the failures that `failed` creates. Other values have a kind and a message too, such as a failed ledger entry. */
const mark = Symbol('failure')

/** An expected failure: a value, never thrown. `message` is one line, safe to log and to store. */
export type Failure = {
  readonly kind: FailureKind
  readonly message: string
  /** Of `too-many-rejects`: most of the rejects are no whole rows, so the file is broken, and no type helps. */
  readonly broken?: true
  readonly [mark]: true
}

/**
 * Creates a failure. `message` says what failed and where. It never contains a token, a secret or a signed address, and
 * what it contains of other people's texts is made safe here: one line, without control characters, 1,000 at most.
 */
export function failed(kind: FailureKind, message: string): Failure {
  return { kind, message: plainMessage(message), [mark]: true }
}

/** A file with too many rejects that are no whole rows. */
export function brokenFile(message: string): Failure {
  return { ...failed('too-many-rejects', message), broken: true }
}

/** What a person does about such a file. */
export const BROKEN_FILE: Advice = {
  remedy:
    'See which lines are no whole rows: the file is broken, and other types do not help. Then ask for the window again with "retry <feed> <window>".',
  command: FAILURES['too-many-rejects'].command,
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
