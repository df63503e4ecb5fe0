import { FAILURES, type FailureKind } from '../failures.ts'
import type { State } from '../ledger/ledger.ts'
import type { Fields, InJson, ObjectOf } from './shape.ts'

// The answers of `GET status` and `GET status/{feed}/{window}`, field by field. The types of the builders, the published
// schema and the tables in docs/status.md come from here.

/** The version of the answers. A field may be added under the same version; none changes its meaning or goes. */
export const STATUS_VERSION = 1

const KIND = { words: Object.keys(FAILURES) as FailureKind[] } as const

/** The states of a window, in the order in which it goes through them. */
export const STATES = ['planned', 'requesting', 'requested', 'landing', 'landed', 'failed'] as const satisfies State[]

/** What a reader of a window's figures should know. A window has one mark at most: the first of these that is true. */
export const MARKS = ['removed', 'outdated', 'running', 'empty', 'halved'] as const
export type Mark = (typeof MARKS)[number]

/** What needs a person, the most urgent first. */
export const TO_DO_KINDS = [
  'timer-silent',
  'sign-in-refused',
  'credential-ended',
  'feeds-file',
  'unreadable',
  'feed-blocked',
  'queue-old',
  'account-paused',
  'storage-rests',
  'purge-unfinished',
  'window-failed',
  'feed-stale',
  'credential-expiring',
  'column-gone',
  'column-empty',
  'window-empty',
  'window-halved',
  'outdated',
] as const
export type ToDoKind = (typeof TO_DO_KINDS)[number]

const WINDOW_ID = 'The id of the window, such as `20250301T000000Z_20250401T000000Z`.'

const TO_DO = {
  kind: { is: { words: TO_DO_KINDS }, means: 'What it is about. The list is in this order.' },
  feed: { is: 'text', means: 'The feed, where it is about one.', optional: true },
  account: { is: 'text', means: 'The account, where it is about one.', optional: true },
  window: { is: 'text', means: WINDOW_ID, optional: true },
  sentence: { is: 'text', means: 'What is wrong, with its number, and what still stands.' },
  remedy: { is: 'text', means: 'What a person does about it.' },
  command: { is: 'text', means: 'The command to paste.' },
  since: { is: 'instant', means: 'Since when, where that is known.', optional: true },
} as const satisfies Fields

const PROBLEM = {
  window: { is: 'text', means: WINDOW_ID, optional: true },
  kind: { is: KIND, means: 'The kind of failure.' },
  message: { is: 'text', means: 'What failed, on which thing.' },
  remedy: { is: 'text', means: 'What a person does about it.' },
  command: { is: 'text', means: 'The command to paste then.' },
  since: { is: 'instant', means: 'When it failed.', optional: true },
  landedBefore: {
    is: 'flag',
    means: 'Whether only the last attempt failed: the rows of an earlier landing are unchanged.',
    optional: true,
  },
} as const satisfies Fields

const TROUBLE = {
  kind: { is: KIND, means: 'The kind of failure.' },
  message: { is: 'text', means: 'What failed, on which thing.' },
  at: { is: 'instant', means: 'Since when.' },
  remedy: { is: 'text', means: 'What a person does about it.' },
  command: { is: 'text', means: 'The command to paste then.' },
} as const satisfies Fields

const TIMER = {
  finishedAt: { is: 'instant', means: 'When its last tick finished; absent before the first.', optional: true },
  everySeconds: { is: 'count', means: 'The longest time between two ticks, by its schedule.' },
  silentSince: {
    is: 'instant',
    means: 'It has finished no tick for three of its periods: since when it is missed.',
    optional: true,
  },
  requested: { is: 'count', means: 'How many reports the last tick asked for.', optional: true },
  waiting: {
    is: 'count',
    means:
      'How many due windows the last tick left for the next ones. Of an account that waits, or whose sign-in is refused, none is looked up and counted here: see `feeds[].waiting`.',
    optional: true,
  },
} as const satisfies Fields

const QUEUE = {
  messages: {
    is: 'count',
    means: 'About how many messages are in the queue `ingest`, also those that are not yet due.',
  },
  oldest: { is: 'instant', means: 'When the oldest message that is due was put there.', optional: true },
  poisoned: { is: 'count', means: 'About how many messages are in the queue `ingest-poison`.' },
} as const satisfies Fields

const CREDENTIAL = {
  what: { is: { words: ['client-secret', 'certificate', 'consent'] }, means: 'What the account signs in with.' },
  endsAt: { is: 'instant', means: 'When it ends.' },
  daysLeft: { is: 'count', means: 'Whole days until then; negative once it has ended.' },
} as const satisfies Fields

const ACCOUNT = {
  name: { is: 'text', means: 'The account.' },
  waitsUntil: { is: 'instant', means: 'The service asked the app to wait until then.', optional: true },
  refused: {
    is: {
      fields: {
        kind: { is: { words: ['unauthorized', 'mfa-required'] }, means: 'The kind of failure.' },
        message: { is: 'text', means: 'What the service or the authority says.' },
        since: { is: 'instant', means: 'Since when.' },
        triedAt: { is: 'instant', means: 'When the sign-in was last tried.' },
        remedy: { is: 'text', means: 'What a person does about it.' },
        command: { is: 'text', means: 'The command to paste then.' },
        blocks: { is: 'flag', means: 'Whether the account asks for nothing until the sign-in works.' },
      },
    },
    means: 'The sign-in of the account is refused.',
    optional: true,
  },
  reports: {
    is: {
      fields: {
        lastHour: { is: 'count', means: 'Reports that the app asked for in the last 60 minutes.' },
        perHour: { is: 'count', means: 'How many it asks for in an hour at most, as far as the service allows now.' },
        inFlight: { is: 'count', means: 'Reports that the service is working on.' },
        maxInFlight: { is: 'count', means: 'How many it may work on at once.' },
      },
    },
    means: 'The quota of the account, used and allowed.',
  },
  credentials: {
    is: { list: { fields: CREDENTIAL } },
    means: 'What the account signs in with, as far as its end is known. Looked up once a day.',
  },
} as const satisfies Fields

const WINDOW = {
  id: { is: 'text', means: WINDOW_ID },
  state: { is: { words: STATES }, means: 'Its state in the ledger.' },
  mark: { is: { words: MARKS }, means: 'What a reader of its rows should know.', optional: true },
  rows: { is: 'count', means: 'The rows that are published; absent where none ever were.', optional: true },
  removed: {
    is: 'flag',
    means: 'Its rows were removed, because they were older than what the feed kept.',
    optional: true,
  },
  attempt: { is: 'count', means: 'The number of its last attempt.' },
  restated: {
    is: 'flag',
    means: 'The last landing changed the number of rows, or a total, of the one before.',
    optional: true,
  },
  error: { is: 'text', means: 'The kind and message of the last failure, until a landing.', optional: true },
} as const satisfies Fields

const MOVED = {
  name: { is: 'text', means: 'A numeric column.' },
  before: { is: 'text', means: 'Its exact sum before; absent for a new column.', optional: true },
  after: { is: 'text', means: 'Its exact sum now; absent for a column that is gone.', optional: true },
} as const satisfies Fields

const RESTATED = {
  window: { is: 'text', means: WINDOW_ID },
  landedAt: { is: 'instant', means: 'When it landed again.' },
  rows: {
    is: {
      fields: {
        before: { is: 'count', means: 'How many there were.' },
        after: { is: 'count', means: 'How many there are.' },
      },
    },
    means: 'The number of rows; absent where it stayed, and where an earlier version of the app kept none.',
    optional: true,
  },
  moved: { is: { list: { fields: MOVED } }, means: 'The totals that moved.' },
} as const satisfies Fields

const GAP = {
  from: { is: 'instant', means: 'Where the first of its windows starts.' },
  to: { is: 'instant', means: 'Where the last of them ends; not in it.' },
  windows: { is: 'count', means: 'How many windows it has.' },
  each: { is: 'text', means: 'How long each of them is, such as `P1M` or `P1D`.' },
} as const satisfies Fields

const FEED = {
  name: { is: 'text', means: 'The feed.' },
  dataset: { is: 'text', means: 'Its dataset.' },
  table: { is: 'text', means: 'Its landing table.' },
  account: { is: 'text', means: 'Its account.' },
  enabled: { is: 'flag', means: 'Whether anything new is asked for.' },
  grain: {
    is: { words: ['day', 'month', 'snapshot'] },
    means: 'How fine its windows can be, or that each is a snapshot.',
  },
  since: { is: 'instant', means: 'When the app first saw the feed.' },
  firstSeenAhead: {
    is: 'flag',
    means: '`since` is still to come: the clock of the app was ahead then. Until then the feed is never stale.',
    optional: true,
  },
  removedSince: {
    is: 'instant',
    means:
      'It was purged then, and its old rows are still being removed: until that is over, a feed of this name in feeds.json is not taken.',
    optional: true,
  },
  startsAt: {
    is: 'instant',
    means: 'History starts then and not at `from`: the service offers no more.',
    optional: true,
  },
  states: {
    is: { fields: Object.fromEntries(STATES.map((state) => [state, stateField(state)])) as StateFields },
    means: 'How many windows are in each state.',
  },
  waiting: {
    is: 'count',
    means: 'Windows that are due and not asked for yet, also those of them that are `planned`.',
  },
  gaps: {
    is: { list: { fields: GAP } },
    means:
      'Of these the windows that were never asked for, in order of time: those that follow each other in one range.',
  },
  complete: { is: 'count', means: 'Windows whose rows are proven, and are those that the feed asks for now.' },
  outdated: { is: 'count', means: 'Windows whose rows answer an earlier question of the feed. They stay.' },
  earlyBlanks: {
    is: 'count',
    means: 'Windows that had no rows when they were asked for, before their data had surely settled.',
  },
  earlierForm: { is: 'count', means: 'Complete windows that landed with other columns, types or shards.' },
  withoutFile: { is: 'count', means: 'Landed windows without a file, of a feed that publishes files.' },
  lateFiles: {
    is: 'count',
    means: 'Landed windows whose file is not in its place yet: readers of the folder see the one before.',
  },
  removed: { is: 'count', means: 'Complete windows whose rows are gone, because they were older than the feed kept.' },
  rows: { is: 'count', means: 'The rows of the complete windows.' },
  completeUntil: {
    is: 'instant',
    means: 'The end of the unbroken run of complete windows from the start of the history.',
    optional: true,
  },
  latestSnapshot: { is: 'text', means: 'The window of the latest snapshot.', optional: true },
  freshUntil: {
    is: 'instant',
    means: 'Where the newest proven rows end, whatever is missing before.',
    optional: true,
  },
  dueBy: {
    is: 'instant',
    means: 'When the next rows should be here: once the dataset has settled, and a day for the report.',
    optional: true,
  },
  staleSince: { is: 'instant', means: '`dueBy`, where that has passed.', optional: true },
  nextDue: { is: 'instant', means: 'When the next window is asked for; in the past if that is now.', optional: true },
  blocked: { is: { fields: TROUBLE }, means: 'Only a change outside lets the feed go on.', optional: true },
  trouble: { is: { fields: TROUBLE }, means: 'Why the feed cannot be asked for; heals with time.', optional: true },
  restsUntil: { is: 'instant', means: 'The service gave no answer: it is asked for again then.', optional: true },
  backfill: {
    is: {
      fields: {
        paused: { is: 'flag', means: 'Whether a person paused the history of the feed.' },
        left: { is: 'count', means: 'Windows of history that are due or asked for and have no rows yet.' },
        landed: { is: 'count', means: 'Windows of history that have landed.' },
        lately: { is: 'count', means: 'Those of them that landed in the last hour.' },
        dueLater: {
          is: {
            fields: {
              windows: { is: 'count', means: 'How many windows of history those are.' },
              lastAt: { is: 'instant', means: 'When the last of them is due.' },
            },
          },
          means: 'What of the history is due only when its data has settled.',
          optional: true,
        },
      },
    },
    means: 'The history of the feed.',
  },
  stretch: { is: 'count', means: 'How many times longer the quota makes `refresh.every`.', optional: true },
  drift: { is: { list: 'text' }, means: 'What differs between the feed and what the service lists or sends.' },
  emptied: {
    is: {
      byName: {
        fields: {
          windows: { is: 'count', means: 'How many windows lack the column.' },
          from: { is: 'instant', means: 'Where the first of them starts.' },
          to: { is: 'instant', means: 'Where the last of them ends.' },
        },
      },
    },
    means: 'Columns that had values before and have none in some windows now, by name.',
  },
  problems: {
    is: { list: { fields: PROBLEM } },
    means: 'Windows that failed and that somebody waits for, and entries that cannot be read.',
  },
  resting: { is: { list: { fields: PROBLEM } }, means: 'Landings that wait for the storage and go on by themselves.' },
  slow: {
    is: {
      list: {
        fields: {
          window: { is: 'text', means: WINDOW_ID },
          state: { is: { words: STATES }, means: 'Its state.' },
          requestedAt: { is: 'instant', means: 'When it was asked for.' },
          until: { is: 'instant', means: 'How long the service has time for its report.', optional: true },
        },
      },
    },
    means: 'Windows that were asked for an hour ago or more and have not landed.',
  },
  doubtful: {
    is: {
      list: {
        fields: {
          window: { is: 'text', means: WINDOW_ID },
          rows: { is: 'count', means: 'Rows that a stray quote may have made of several.' },
        },
      },
    },
    means: 'Published windows with doubtful rows.',
  },
  running: {
    is: {
      list: {
        fields: {
          window: { is: 'text', means: WINDOW_ID },
          asOf: { is: 'instant', means: 'When it was asked for.' },
          rows: { is: 'count', means: 'The rows that it had then.' },
        },
      },
    },
    means: 'Windows that landed before their data had settled. They are asked for again.',
  },
  acceptedGaps: { is: { list: 'text' }, means: 'Windows without rows that a person accepted as gaps.' },
  restated: {
    is: { list: { fields: RESTATED } },
    means: 'The last ten windows that were restated, the newest first.',
  },
  notes: {
    is: { list: 'text' },
    means: 'What is worth knowing of the feed and needs nobody, in sentences.',
  },
  windows: { is: { list: { fields: WINDOW } }, means: 'Every window that was asked for, in order of time.' },
} as const satisfies Fields

type StateFields = { readonly [S in State]: { readonly is: 'count'; readonly means: string } }

function stateField(state: State) {
  return { is: 'count', means: `Windows that are ${state}.` } as const
}

/** What `GET status` answers, and `status --json` prints. */
export const STATUS_FIELDS = {
  v: { is: 'count', means: 'The version of this answer: 1.' },
  at: { is: 'instant', means: 'When the ledger was read.' },
  version: { is: 'text', means: 'The version of the app that answers.' },
  toDo: { is: { list: { fields: TO_DO } }, means: 'Everything that needs a person, the most urgent first.' },
  timers: {
    is: {
      fields: {
        provision: { is: { fields: TIMER }, means: 'The timer that asks for windows.' },
        sweep: { is: { fields: TIMER }, means: 'The timer that looks after what is under way.' },
      },
    },
    means: 'The timers of the app.',
  },
  queue: { is: { fields: QUEUE }, means: 'The queue of the app.' },
  feedsFrom: {
    is: {
      fields: {
        source: { is: { words: ['container', 'package'] }, means: 'Where feeds.json came from.' },
        packagedDiffers: { is: 'flag', means: 'Whether the packaged or local file is another.' },
      },
    },
    means: 'Which feeds.json counts; absent before the first tick.',
    optional: true,
  },
  accounts: { is: { list: { fields: ACCOUNT } }, means: 'The accounts of the feeds.' },
  problems: {
    is: { list: { fields: PROBLEM } },
    means: 'Rows of feeds and accounts that cannot be read, and problems of feeds.json that no feed says.',
  },
  feeds: { is: { list: { fields: FEED } }, means: 'Every feed that the app knows.' },
} as const satisfies Fields

const FIGURES = {
  attempt: { is: 'count', means: 'The attempt that landed.' },
  origin: { is: { words: ['service', 'import'] }, means: 'A report of the service, or a file of a person.' },
  reportId: { is: 'text', means: 'The id of the report.' },
  requestedAt: { is: 'instant', means: 'When it was asked for.' },
  landedAt: { is: 'instant', means: 'When it landed.' },
  removedAt: { is: 'instant', means: 'When the rows and files were removed.', optional: true },
  rowsRead: { is: 'count', means: 'Rows in the report.' },
  rowsLanded: { is: 'count', means: 'Rows in the table.' },
  rowsBefore: {
    is: 'count',
    means: 'Rows of the landing before, where it had another number.',
    optional: true,
  },
  rowsRejected: { is: 'count', means: 'Rows that could not land.' },
  bytes: { is: 'count', means: 'The size of the archive.' },
  sha256: { is: 'text', means: 'The SHA-256 of the archive, in hex.' },
  archive: { is: 'text', means: 'The blob with the bytes as received.' },
  rejects: { is: 'text', means: 'The blob with the list of rejects.', optional: true },
  table: { is: 'text', means: 'The landing table.' },
  file: { is: 'text', means: 'The Parquet file with the same rows.', optional: true },
  milliseconds: {
    is: {
      fields: {
        check: { is: 'count', means: 'How long the check took.' },
        write: { is: 'count', means: 'How long the writing took.' },
        count: { is: 'count', means: 'How long the counting took.' },
        file: { is: 'count', means: 'How long the file took.', optional: true },
      },
    },
    means: 'How long the phases of the landing took.',
  },
  emptyColumns: { is: { list: 'text' }, means: 'Columns without a value.' },
} as const satisfies Fields

const ATTEMPT = {
  attempt: { is: 'count', means: 'Its number.' },
  at: { is: 'instant', means: 'When it ended.' },
  requestedAt: { is: 'instant', means: 'When the service was asked.', optional: true },
  seconds: { is: 'count', means: 'From then to its end.', optional: true },
  outcome: {
    is: { words: ['landed', 'expired', ...(Object.keys(FAILURES) as FailureKind[])] },
    means: '`landed`, `expired` (another attempt followed), or the kind of failure.',
  },
  rows: { is: 'count', means: 'The rows that landed.', optional: true },
  archive: { is: 'text', means: 'The blob that a failed attempt left.', optional: true },
  rejects: { is: 'text', means: 'The blob with its rejects.', optional: true },
  correlationId: { is: 'text', means: "The service's own id of the call that failed.", optional: true },
} as const satisfies Fields

const TOTAL = {
  name: { is: 'text', means: 'A numeric column.' },
  sum: { is: 'text', means: 'Its exact sum.', optional: true },
  before: { is: 'text', means: 'Its sum in the landing before, where that was another.', optional: true },
} as const satisfies Fields

/** What `GET status/{feed}/{window}` answers. */
export const WINDOW_FIELDS = {
  v: { is: 'count', means: 'The version of this answer: 1.' },
  at: { is: 'instant', means: 'When the ledger was read.' },
  version: { is: 'text', means: 'The version of the app that answers.' },
  feed: { is: 'text', means: 'The feed.' },
  id: { is: 'text', means: WINDOW_ID },
  from: { is: 'instant', means: 'Where the window starts.' },
  to: { is: 'instant', means: 'Where it ends; not in it.' },
  lane: { is: { words: ['live', 'backfill'] }, means: 'Its lane.' },
  state: { is: { words: STATES }, means: 'Its state in the ledger.' },
  removed: {
    is: 'flag',
    means: 'Its rows were removed, because they were older than what the feed kept.',
    optional: true,
  },
  sentence: { is: 'text', means: 'Its state in words.' },
  attempt: { is: 'count', means: 'The number of its last attempt.' },
  tries: { is: 'count', means: 'Attempts in a row that count against the limit of tries.' },
  error: { is: { fields: TROUBLE }, means: 'The last failure, until a landing.', optional: true },
  figures: { is: { fields: FIGURES }, means: 'The evidence of the published rows.', optional: true },
  totals: { is: { list: { fields: TOTAL } }, means: 'The sums of the numeric columns, those that moved first.' },
  attempts: { is: { list: { fields: ATTEMPT } }, means: 'The last 20 attempts, the newest first.' },
  commands: { is: { list: 'text' }, means: 'The commands that make sense for this window now, to paste.' },
} as const satisfies Fields

export type Status = ObjectOf<typeof STATUS_FIELDS>
export type FeedStatus = ObjectOf<typeof FEED>
export type AccountStatus = ObjectOf<typeof ACCOUNT>
export type WindowStatus = ObjectOf<typeof WINDOW>
export type TimerStatus = ObjectOf<typeof TIMER>
export type QueueStatus = ObjectOf<typeof QUEUE>
export type ExplainedFailure = ObjectOf<typeof PROBLEM>
export type ToDo = ObjectOf<typeof TO_DO>
export type Gap = ObjectOf<typeof GAP>
export type Restated = ObjectOf<typeof RESTATED>
export type WindowDetail = ObjectOf<typeof WINDOW_FIELDS>

/** What `GET status` answers, as its readers get it. */
export type StatusAnswer = InJson<Status>
/** What `GET status/{feed}/{window}` answers, as its readers get it. */
export type WindowAnswer = InJson<WindowDetail>
