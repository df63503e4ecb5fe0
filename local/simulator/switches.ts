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
export const ENDPOINTS = [...API_ENDPOINTS, 'download', 'token', 'identity', 'getSecret', 'setSecret'] as const

export type Endpoint = (typeof ENDPOINTS)[number]

/**
 * What a fault hits: the calls of an endpoint, the reports that are created from then on, or the callbacks of the reports
 * that are created from then on with a callback address.
 */
export type Target = Endpoint | 'report' | 'callback'

/**
 * What a switch does, for a reader, what it can hit, and which value it takes, with an example. Without `takes` it is only on
 * or off.
 */
type Switch = { readonly does: string; readonly on: readonly Target[] } & (
  | { readonly takes?: undefined; readonly example?: undefined }
  | { readonly takes: (value: unknown) => boolean; readonly example: unknown }
)

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
  status: {
    does: 'This status, with `message` in the envelope of the API, or with `body` as it is (text) or as JSON, and with `headers`. Nothing is done.',
    on: ENDPOINTS,
    takes: number,
    example: 503,
  },
  page: {
    does: 'The HTML page of a gateway, under this status. Nothing is done.',
    on: ENDPOINTS,
    takes: number,
    example: 502,
  },
  envelope: {
    does: 'An error envelope with this statusCode, under HTTP 200. Nothing is done.',
    on: API_ENDPOINTS,
    takes: number,
    example: 500,
  },
  quota: {
    does: '400 with the text of a quota, once the user has created this many ExecuteNow reports within 60 minutes.',
    on: ['createReport'],
    takes: number,
    example: 10,
  },
  noMfa: {
    does: '401 with 900421: the token lacks multi-factor. `sometimes`: three of four calls that the API receives.',
    on: API_ENDPOINTS,
    takes: oneOf('always', 'sometimes'),
    example: 'always',
  },
  refuse: {
    does: 'The refusal of an OAuth token endpoint: `invalid_grant`, `invalid_client` or `temporarily_unavailable`.',
    on: ['token'],
    takes: oneOf('invalid_grant', 'invalid_client', 'temporarily_unavailable'),
    example: 'invalid_grant',
  },
  drop: { does: 'The connection is destroyed. Nothing is done.', on: ENDPOINTS },
  hang: { does: 'No answer, and the connection stays open. Nothing is done.', on: ENDPOINTS },

  // The thing is done, and the answer suffers.
  lost: {
    does: 'It is done, and the connection is destroyed instead of an answer. A callback is not sent.',
    on: [...ENDPOINTS, 'callback'],
  },
  doneThen: {
    does: 'It is done, and answered as if it had failed with this status.',
    on: API_ENDPOINTS,
    takes: number,
    example: 500,
  },
  truncated: { does: 'The answer is the first half of its JSON.', on: [...API_ENDPOINTS, 'token'] },
  pascalCase: {
    does: 'Names in PascalCase, without nextLink and dataRedacted, as the reference pages print them.',
    on: API_ENDPOINTS,
  },
  bareHeaders: {
    does: 'The headers that say how many calls are left, and which call it was, are not sent.',
    on: API_ENDPOINTS,
  },
  callsLeft: { does: 'So many calls are left, as the headers say.', on: API_ENDPOINTS, takes: number, example: 0 },
  redacted: { does: '`dataRedacted` is true.', on: API_ENDPOINTS },
  nextLink: {
    does: 'Three pages, the first ones empty where there are fewer than three items: the links are `absolute` or `relative`, a `loop` leads back to itself for ever, and `otherHost` leads elsewhere.',
    on: LISTS,
    takes: oneOf('absolute', 'relative', 'loop', 'otherHost'),
    example: 'loop',
  },
  listsDataset: {
    does: 'One dataset is listed with other `ranges`, `hours` or columns (`renamed`: to another name, or to null), or is `gone`. Reports of it are made as before.',
    on: ['listDatasets'],
    takes: isListing,
    example: { dataset: 'AzureUsage', renamed: { CustomerName: 'Customer' } },
  },
  unlisted: { does: 'ExecuteNow reports are never listed.', on: ['listReports'] },
  partialNames: {
    does: 'The name filter finds every name that contains the text.',
    on: ['listQueries', 'listReports'],
  },
  link: {
    does: 'This download link is given out instead of the real one.',
    on: ['listExecutions'],
    takes: text,
    example: 'https://elsewhere.invalid/report.csv',
  },
  noRole: { does: 'The service refuses this token with 403.', on: ['token'] },
  passwordOnly: {
    does: 'The token says that its user gave a password and nothing else. The service accepts it, and says so when asked.',
    on: ['token'],
  },

  // The download of a file.
  cutAt: {
    does: 'The connection is destroyed after so many bytes of the body, or with `random` somewhere in it. `after`: the link is `expired` then, or the file is `replaced`.',
    on: ['download'],
    takes: (value) => number(value) || value === 'random',
    example: 1000,
  },
  expired: { does: 'The link answers 403 from this call on. A fresh one opens.', on: ['download'] },
  lengthOff: {
    does: 'Content-Length differs from the body by so much. The connection ends with the body.',
    on: ['download'],
    takes: number,
    example: 10,
  },

  // How a report is made.
  stuck: { does: 'The report never completes.', on: ['report'] },
  timesIgnored: { does: 'QueryStartTime and QueryEndTime are ignored.', on: ['report'] },
  endExclusive: {
    does: 'What begins at QueryEndTime itself is left out. Without this it is included.',
    on: ['report'],
  },
  preliminary: {
    does: 'Months and days that the service has not loaded completely when the report is made hold preliminary rows.',
    on: ['report'],
  },

  // What its file holds.
  tsv: { does: 'The file has tabs, although commas were asked for, and is named .tsv.', on: ['report'] },
  bom: { does: 'The file begins with a byte order mark.', on: ['report'] },
  lf: { does: 'Records end with LF.', on: ['report'] },
  mixedEnds: { does: 'Every second record ends with LF, the others with CR LF.', on: ['report'] },
  missingColumn: { does: 'The file lacks this column.', on: ['report'], takes: text, example: 'CustomerName' },
  newColumn: {
    does: 'The file has a column of this name, which nobody asked for.',
    on: ['report'],
    takes: text,
    example: 'Remarks',
  },
  columnTwice: { does: 'The file has this column twice.', on: ['report'], takes: text, example: 'CustomerName' },
  headerCase: { does: 'The header is in capitals.', on: ['report'] },
  headerTwice: { does: 'The file has its header twice.', on: ['report'] },
  headerOnly: { does: 'The file has a header and no rows.', on: ['report'] },
  badLastRow: { does: 'A last record has one cell too many.', on: ['report'] },
  outsideWindow: { does: 'The last row is of the period before the window.', on: ['report'] },
  nothing: { does: 'The file is empty.', on: ['report'] },
  truncatedGzip: { does: 'The file is the first half of its compressed bytes.', on: ['report'] },
  members: { does: 'The file is three gzip members, one after the other.', on: ['report'] },

  // What is called back beside the true call.
  twice: { does: 'The true call comes once more.', on: ['callback'] },
  early: { does: 'A call comes at once, before the execution is completed.', on: ['callback'] },
  forged: { does: 'A call comes before it for a report that does not exist.', on: ['callback'] },
  stale: {
    does: "A call comes before it for the query's previous report, at the address of that report.",
    on: ['callback'],
  },
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

/** A fault for a reader: what it does, what it can hit, and what to send for it. */
export type ListedFault = {
  readonly fault: string
  readonly does: string
  readonly endpoints: readonly Target[]
  readonly example: { readonly endpoint: Target; readonly effect: unknown }
}

/** Every fault, in the order of what it changes. */
export const FAULTS: readonly ListedFault[] = Object.entries<Switch>(SWITCHES).map(([fault, { does, on, example }]) => {
  // Of all calls, this is the one that everything else waits for.
  const endpoint = on.find((target) => target === 'createReport') ?? on[0] ?? 'report'
  return {
    fault,
    does,
    endpoints: on,
    example: { endpoint, effect: example === undefined ? fault : { [fault]: example } },
  }
})

/** Says what is wrong with an effect on a target. Undefined when it can be set. */
export function effectProblem(target: unknown, effect: unknown): string | undefined {
  const names = typeof effect === 'object' && effect !== null ? Object.keys(effect) : [effect]
  const name = names.find((each) => Object.hasOwn(SWITCHES, String(each))) as SwitchName | undefined
  if (name === undefined) return `there is no switch ${names.join(', ')}: GET /_sim/fault lists them`
  const { on, takes }: Switch = SWITCHES[name]
  if (!on.some((each) => each === target)) return `${name} acts on ${on.join(', ')} and not on ${String(target)}`
  if (takes === undefined) return effect === name ? undefined : `${name} takes no value`
  const given: unknown = typeof effect === 'object' ? (effect as Record<string, unknown>)[name] : undefined
  return takes(given) ? undefined : `${name} does not take ${JSON.stringify(given)}`
}
