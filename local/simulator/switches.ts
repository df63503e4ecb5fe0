/** Every fault that can be switched on. */

/** The documented endpoints of the service itself. */
export const API_ENDPOINTS = [
  'listDatasets',
  'listQueries',
  'createQuery',
  'deleteQuery',
  'testQuery',
  'listReports',
  'createReport',
  'updateReport',
  'deleteReport',
  'pauseReport',
  'resumeReport',
  'listExecutions',
] as const

/** Every endpoint of the simulator: those, the files, sign-in, and the stand-ins for Azure's own. */
const ENDPOINTS = [...API_ENDPOINTS, 'download', 'token', 'identity', 'getSecret', 'setSecret'] as const

export type Endpoint = (typeof ENDPOINTS)[number]

/**
 * What a fault hits: the calls of an endpoint, the reports that are created from then on, or the callbacks of the reports
 * that are created from then on with a callback address.
 */
export type Target = Endpoint | 'report' | 'callback'

/** What a switch can hit, and which value it takes. Without `takes` it is only on or off. */
type Switch = { readonly on: readonly Target[]; readonly takes?: (value: unknown) => boolean }

const LISTS: readonly Endpoint[] = ['listDatasets', 'listQueries', 'listReports', 'listExecutions']

const number = (value: unknown) => Number.isInteger(value)
const text = (value: unknown) => typeof value === 'string'
const oneOf =
  (...known: readonly string[]) =>
  (value: unknown) =>
    known.some((name) => name === value)

/** How a dataset is listed: `gone`, or with other ranges, interval in hours or columns, each `renamed` or, to null, removed. */
export type Listing = {
  readonly dataset: string
  readonly gone?: true
  readonly ranges?: readonly string[]
  readonly hours?: number
  readonly renamed?: Readonly<Record<string, string | null>>
}

function isListing(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { dataset, ...changes } = value as Record<string, unknown>
  const names = Object.keys(changes)
  return text(dataset) && names.length > 0 && names.every(oneOf('gone', 'ranges', 'hours', 'renamed'))
}

/** Everything that can be switched on. Several switches may hit the same call or report: all of them act. */
const SWITCHES = {
  // Instead of an answer. Nothing is done.
  /** This status, with `message` in the API's envelope, or with `body` as it is (text) or as JSON. */
  status: { on: ENDPOINTS, takes: number },
  /** A gateway's HTML page under this status. */
  page: { on: ENDPOINTS, takes: number },
  /** An error envelope with this statusCode, under HTTP 200. */
  envelope: { on: API_ENDPOINTS, takes: number },
  /** 400 with the text of a quota, once the user has created this many ExecuteNow reports within 60 minutes. */
  quota: { on: ['createReport'], takes: number },
  /** 401 with 900421: the token lacks multi-factor. `sometimes`: three of four calls that the API receives. */
  noMfa: { on: API_ENDPOINTS, takes: oneOf('always', 'sometimes') },
  /** The refusal of an OAuth token endpoint. */
  refuse: { on: ['token'], takes: oneOf('invalid_grant', 'invalid_client', 'temporarily_unavailable') },
  /** The connection is destroyed. */
  drop: { on: ENDPOINTS },
  /** No answer, and the connection stays open. */
  hang: { on: ENDPOINTS },

  // The thing is done, and the answer suffers.
  /** The connection is destroyed instead of an answer. A callback is not sent. */
  lost: { on: [...ENDPOINTS, 'callback'] },
  /** Answered as if it had failed with this status. */
  doneThen: { on: API_ENDPOINTS, takes: number },
  /** The first half of the JSON. */
  truncated: { on: [...API_ENDPOINTS, 'token'] },
  /** Names in PascalCase, without nextLink and dataRedacted, as the reference pages print them. */
  pascalCase: { on: API_ENDPOINTS },
  /** The headers that say how many calls are left, and which call it was, are not sent. */
  bareHeaders: { on: API_ENDPOINTS },
  /** So many calls are left, as the headers say. */
  callsLeft: { on: API_ENDPOINTS, takes: number },
  /** `dataRedacted` is true. */
  redacted: { on: API_ENDPOINTS },
  /** Three pages, the first ones empty where there are fewer than three items. `loop` leads back to itself for ever. */
  nextLink: { on: LISTS, takes: oneOf('absolute', 'relative', 'loop', 'otherHost') },
  /** One dataset is listed as it says, or not at all; reports of it are made as before. */
  listsDataset: { on: ['listDatasets'], takes: isListing },
  /** ExecuteNow reports are never listed. */
  unlisted: { on: ['listReports'] },
  /** The name filter finds every name that contains the text. */
  partialNames: { on: ['listQueries', 'listReports'] },
  /** The download link that is given out instead of the real one. */
  link: { on: ['listExecutions'], takes: text },
  /** The service refuses this token with 403. */
  noRole: { on: ['token'] },
  /** The token says that its user gave a password and nothing else. The service accepts it, and says so when asked. */
  passwordOnly: { on: ['token'] },

  // The download of a file.
  /** The connection is destroyed after so many bytes of the body. `after` that the link expires or the file is replaced. */
  cutAt: { on: ['download'], takes: (value) => number(value) || value === 'random' },
  /** The link answers 403 from this call on. A fresh one opens. */
  expired: { on: ['download'] },
  /** Content-Length differs from the body by so much. The connection ends with the body. */
  lengthOff: { on: ['download'], takes: number },

  // How a report is made.
  /** It never completes. */
  stuck: { on: ['report'] },
  /** QueryStartTime and QueryEndTime are ignored. */
  timesIgnored: { on: ['report'] },
  /** What begins at QueryEndTime itself is left out. Without the switch it is included. */
  endExclusive: { on: ['report'] },

  /** Months and days that the service has not loaded completely when the report is made hold preliminary rows. */
  preliminary: { on: ['report'] },

  // What its file holds.
  /** Tabs, although commas were asked for, in a file named .tsv. */
  tsv: { on: ['report'] },
  bom: { on: ['report'] },
  /** Records end with LF. With `mixedEnds` every second one does. */
  lf: { on: ['report'] },
  mixedEnds: { on: ['report'] },
  missingColumn: { on: ['report'], takes: text },
  newColumn: { on: ['report'], takes: text },
  columnTwice: { on: ['report'], takes: text },
  /** The header in capitals. */
  headerCase: { on: ['report'] },
  headerTwice: { on: ['report'] },
  headerOnly: { on: ['report'] },
  /** A last record with one cell too many. */
  badLastRow: { on: ['report'] },
  /** The last row is of the period before the window. */
  outsideWindow: { on: ['report'] },
  /** The file is empty. */
  nothing: { on: ['report'] },
  /** The first half of the compressed bytes. */
  truncatedGzip: { on: ['report'] },
  /** Three gzip members, one after the other. */
  members: { on: ['report'] },

  // What is called back beside the true call.
  /** The true call comes once more. */
  twice: { on: ['callback'] },
  /** A call comes at once, before the execution is completed. */
  early: { on: ['callback'] },
  /** A call comes before it for a report that does not exist. */
  forged: { on: ['callback'] },
  /** A call comes before it for the query's previous report, at the address of that report. */
  stale: { on: ['callback'] },
} as const satisfies Record<string, Switch>

type SwitchName = keyof typeof SWITCHES

/** The values of the switches that take one. */
type Values = {
  readonly status: number
  readonly page: number
  readonly envelope: number
  readonly quota: number
  readonly noMfa: 'always' | 'sometimes'
  readonly refuse: 'invalid_grant' | 'invalid_client' | 'temporarily_unavailable'
  readonly doneThen: number
  readonly callsLeft: number
  readonly nextLink: 'absolute' | 'relative' | 'loop' | 'otherHost'
  readonly link: string
  readonly listsDataset: Listing
  readonly cutAt: number | 'random'
  readonly lengthOff: number
  readonly missingColumn: string
  readonly newColumn: string
  readonly columnTwice: string
}

export type StatusEffect = {
  readonly status: number
  readonly message?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export type CutEffect = { readonly cutAt: number | 'random'; readonly after?: 'expired' | 'replaced' }

/** A switch that is on: its name (`'hang'`), or an object with its name as key (`{ cutAt: 100, after: 'expired' }`). */
export type Effect =
  | Exclude<SwitchName, keyof Values>
  | StatusEffect
  | CutEffect
  | { [N in Exclude<keyof Values, 'status' | 'cutAt'>]: Pick<Values, N> }[Exclude<keyof Values, 'status' | 'cutAt'>]

/** The value of the first switch of that name. Undefined when it is not on. */
export function settingOf<N extends keyof Values>(effects: readonly Effect[], name: N): Values[N] | undefined {
  for (const effect of effects) if (typeof effect === 'object' && name in effect) return (effect as Values)[name]
  return undefined
}

/** Says what is wrong with an effect on a target. Undefined when it can be set. */
export function effectProblem(target: unknown, effect: unknown): string | undefined {
  const names = typeof effect === 'object' && effect !== null ? Object.keys(effect) : [effect]
  const name = names.find((each) => Object.hasOwn(SWITCHES, String(each))) as SwitchName | undefined
  if (name === undefined) return `there is no switch ${names.join(', ')}: local/simulator/switches.ts lists them`
  const { on, takes }: Switch = SWITCHES[name]
  if (!on.some((each) => each === target)) return `${name} acts on ${on.join(', ')} and not on ${String(target)}`
  if (takes === undefined) return effect === name ? undefined : `${name} takes no value`
  const given: unknown = typeof effect === 'object' ? (effect as Record<string, unknown>)[name] : undefined
  return takes(given) ? undefined : `${name} does not take ${JSON.stringify(given)}`
}
