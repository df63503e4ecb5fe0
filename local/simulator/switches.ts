/** The endpoints of the service itself (docs/insights-api.md). */
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

/** Every endpoint the simulator serves: those, the files, sign-in, and the stand-ins for what Azure has. */
const ENDPOINTS = [...API_ENDPOINTS, 'download', 'token', 'identity', 'getSecret', 'setSecret'] as const

export type Endpoint = (typeof ENDPOINTS)[number]

/**
 * Where a fault is set: at an endpoint, for its calls; at `report`, for the reports created from then on; at
 * `callback`, for the calls back of the reports created from then on with a callback address.
 */
export type Target = Endpoint | 'report' | 'callback'

/** Where a switch can be set, and which value it takes; without `takes` it is only on or off. */
type Switch = { readonly on: readonly Target[]; readonly takes?: (value: unknown) => boolean }

const LISTS: readonly Endpoint[] = ['listDatasets', 'listQueries', 'listReports', 'listExecutions']
const API = API_ENDPOINTS

const number = (value: unknown) => Number.isInteger(value)
const text = (value: unknown) => typeof value === 'string'
const oneOf =
  (...known: readonly string[]) =>
  (value: unknown) =>
    known.some((name) => name === value)

/** Everything that can be switched on. Several switches may hit one call or one report; they are applied together. */
const SWITCHES = {
  // In the place of an answer; nothing is done.
  /** This status, with `message` in the API's envelope, or with `body` as it is (text) or as JSON. */
  status: { on: ENDPOINTS, takes: number },
  /** A gateway's HTML page under this status. */
  page: { on: ENDPOINTS, takes: number },
  /** An error envelope with this statusCode, under HTTP 200. */
  envelope: { on: API, takes: number },
  /** 400 with the text of a quota once the user has had this many ExecuteNow reports created within 60 minutes. */
  quota: { on: ['createReport'], takes: number },
  /** The refusal of an OAuth token endpoint. */
  refuse: { on: ['token'], takes: oneOf('invalid_grant', 'invalid_client') },
  /** The connection is destroyed. */
  drop: { on: ENDPOINTS },
  /** No answer, and the connection stays open. */
  hang: { on: ENDPOINTS },

  // It is done, and the answer suffers.
  /** The connection is destroyed in place of the answer; a callback is not sent. */
  lost: { on: [...ENDPOINTS, 'callback'] },
  /** Answered as if it had failed with this status. */
  doneThen: { on: API, takes: number },
  /** The first half of the JSON. */
  truncated: { on: [...API, 'token'] },
  /** Names in PascalCase and without nextLink and dataRedacted, as the reference pages print them. */
  pascalCase: { on: API },
  /** `dataRedacted` is true. */
  redacted: { on: API },
  /** Three pages, the first of them empty where there are fewer than three items; `loop` leads to itself for ever. */
  nextLink: { on: LISTS, takes: oneOf('absolute', 'relative', 'loop', 'otherHost') },
  /** ExecuteNow reports are not listed, whatever the filter. */
  unlisted: { on: ['listReports'] },
  /** The name filter finds every name that holds the text. */
  partialNames: { on: ['listQueries', 'listReports'] },
  /** The download link that is given out. */
  link: { on: ['listExecutions'], takes: text },
  /** The service refuses the token with 403. */
  noRole: { on: ['token'] },

  // The way of a file.
  /** This many bytes of the body, or some, then the connection is destroyed; `after` that the link expires or the file is replaced. */
  cutAt: { on: ['download'], takes: (value) => number(value) || value === 'random' },
  /** 403 from this call on, until a fresh link is asked for. */
  expired: { on: ['download'] },
  /** Content-Length is that much more or less than the body; the connection ends with the body. */
  lengthOff: { on: ['download'], takes: number },

  // How a report is made.
  /** It runs for ever. */
  stuck: { on: ['report'] },
  /** QueryStartTime and QueryEndTime count for nothing. */
  timesIgnored: { on: ['report'] },
  /** What begins at QueryEndTime itself is left out; without the switch it is in. */
  endExclusive: { on: ['report'] },

  // What its file holds.
  /** Tabs although commas were asked for, under a name in .tsv. */
  tsv: { on: ['report'] },
  bom: { on: ['report'] },
  /** Records end with LF; with `mixedEnds`, every other one does. */
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
  /** The last row belongs to the period before the window. */
  outsideWindow: { on: ['report'] },
  /** No byte at all. */
  nothing: { on: ['report'] },
  /** Half of the compressed bytes. */
  truncatedGzip: { on: ['report'] },
  /** Compressed in three parts, one after the other. */
  members: { on: ['report'] },

  // What is called back, beside the true call.
  twice: { on: ['callback'] },
  /** One more call at once, before the execution is completed. */
  early: { on: ['callback'] },
  /** First a call for a report that does not exist. */
  forged: { on: ['callback'] },
  /** First the call of the report made from this query before, at the address it had. */
  stale: { on: ['callback'] },
} as const satisfies Record<string, Switch>

export type SwitchName = keyof typeof SWITCHES

/** What the switches that take a value take. */
type Values = {
  readonly status: number
  readonly page: number
  readonly envelope: number
  readonly quota: number
  readonly refuse: 'invalid_grant' | 'invalid_client'
  readonly doneThen: number
  readonly nextLink: 'absolute' | 'relative' | 'loop' | 'otherHost'
  readonly link: string
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

/** A switch turned on: its name, or an object whose key is its name: `'hang'`, `{ cutAt: 100, after: 'expired' }`. */
export type Effect =
  | Exclude<SwitchName, keyof Values>
  | StatusEffect
  | CutEffect
  | { [N in Exclude<keyof Values, 'status' | 'cutAt'>]: Pick<Values, N> }[Exclude<keyof Values, 'status' | 'cutAt'>]

/** The value of the first switch of that name; undefined when none of the effects turns it on. */
export function settingOf<N extends keyof Values>(effects: readonly Effect[], name: N): Values[N] | undefined {
  for (const effect of effects) if (typeof effect === 'object' && name in effect) return (effect as Values)[name]
  return undefined
}

/** Says what is wrong with setting the effect at the target; undefined when it can be set. */
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
