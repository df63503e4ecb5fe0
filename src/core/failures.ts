/**
 * The only list of failures that an operator can see: what heals each kind, and what a person does.
 * `time`: the sweep tries again by itself. `change`: something outside the app has to change first.
 * `person`: nothing happens until a person decides.
 */
export const FAILURES = {
  unavailable: {
    heals: 'time',
    remedy: 'Nothing to do: the service or the network did not answer; it is tried again.',
  },
  unauthorized: { heals: 'time', remedy: 'Check the PARTNER_… settings and the consent of the account.' },
  deadline: { heals: 'time', remedy: 'Nothing to do: the report was never ready; it is asked for again.' },
  storage: {
    heals: 'time',
    remedy: 'Check that the storage account of DataStorage is reachable and its roles are granted.',
  },
  poison: { heals: 'time', remedy: 'Read the exceptions of the ingest function; the window is tried again.' },
  'link-refused': { heals: 'time', remedy: 'Check REPORT_DOWNLOAD_HOSTS against the host named in the message.' },
  forbidden: { heals: 'change', remedy: 'Give the account the Executive Report Viewer role.' },
  redacted: {
    heals: 'change',
    remedy: 'Give the account a role that sees all data, or set allowRedacted on the feed.',
  },
  'query-refused': { heals: 'change', remedy: 'Correct the query or the columns of the feed.' },
  'column-missing': {
    heals: 'change',
    remedy: 'Correct the columns of the feed; the report does not hold the one named.',
  },
  'column-new': { heals: 'change', remedy: 'Name the new column in the feed, or set newColumns to land.' },
  'outside-window': {
    heals: 'change',
    remedy: 'The report holds rows of another time; check the query for a TIMESPAN of its own.',
  },
  'table-taken': { heals: 'change', remedy: 'Name another table in the feed: a table holds the rows of one feed.' },
  malformed: { heals: 'person', remedy: 'Look at the archived report; ask for the window again.' },
  'too-many-rejects': {
    heals: 'person',
    remedy: 'Read the rejects beside the archive; correct types or raise maxRejects.',
  },
  'suspicious-empty': { heals: 'person', remedy: 'If the window is really empty now, retry it with --accept-empty.' },
  'no-header': { heals: 'person', remedy: 'The file has no header line; ask for the window again.' },
  'out-of-range': {
    heals: 'person',
    remedy: 'The dataset no longer offers this window; import a file of your own if you have one.',
  },
  'unreadable-entry': {
    heals: 'person',
    remedy: 'The ledger entry was changed by something else; correct or delete it.',
  },
} as const satisfies Record<string, { heals: 'time' | 'change' | 'person'; remedy: string }>

export type FailureKind = keyof typeof FAILURES

/** Marks the failures that `failed` creates. Other values have a kind and a message too, such as a failed ledger entry. */
const mark = Symbol('failure')

/** An expected failure: a value, never thrown. `message` is one line, safe to log and to store. */
export type Failure = { readonly kind: FailureKind; readonly message: string; readonly [mark]: true }

/** Creates a failure. `message` says what failed and where. It never contains a token, a secret or a signed address. */
export function failed(kind: FailureKind, message: string): Failure {
  return { kind, message, [mark]: true }
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && mark in value
}
