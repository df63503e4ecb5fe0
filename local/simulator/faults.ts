/** What can be made to fail: every endpoint the simulator serves, and the callback it sends. */
export const ENDPOINTS = [
  'token',
  'datasets',
  'listQueries',
  'createQuery',
  'deleteQuery',
  'listReports',
  'createReport',
  'deleteReport',
  'executions',
  'download',
] as const

export type Endpoint = (typeof ENDPOINTS)[number]

/**
 * Answers this and does nothing else. `message` is wrapped in the API's envelope; `body` is sent as it is (text) or as
 * JSON. With neither, the envelope holds the status as its text.
 */
export type StatusEffect = {
  readonly status: number
  readonly message?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends this many bytes of a download's body, then destroys the connection. */
export type CutEffect = { readonly cutAt: number }

/** `drop`: the connection is destroyed before anything is done. `lost`: it is done, and the answer never comes. */
export type EndpointEffect = StatusEffect | CutEffect | 'drop' | 'lost'

/** `lost`: never sent. `twice`: sent two times. `forged`: one for a report that does not exist comes before the true one. */
export type CallbackEffect = 'lost' | 'twice' | 'forged'

/** Which call the fault hits, counted from its registration; the first one unless said otherwise. */
type Nth = { readonly nth?: number | 'all' }

export type FaultRule = Nth &
  (
    | { readonly endpoint: Exclude<Endpoint, 'download'>; readonly effect: StatusEffect | 'drop' | 'lost' }
    | { readonly endpoint: 'download'; readonly effect: EndpointEffect }
    | { readonly endpoint: 'callback'; readonly effect: CallbackEffect }
  )

export type Faults = {
  add(rule: FaultRule): void
  /** Counts one call to the endpoint and gives the effect that hits it, if any. */
  takeEndpoint(endpoint: Endpoint): EndpointEffect | undefined
  /** Counts one callback and gives the effect that hits it, if any. */
  takeCallback(): CallbackEffect | undefined
}

export function createFaults(): Faults {
  const rules: { readonly rule: FaultRule; calls: number }[] = []
  const take = <E extends FaultRule['endpoint']>(endpoint: E) => {
    const counted = rules.filter(({ rule }) => rule.endpoint === endpoint)
    for (const entry of counted) entry.calls += 1
    return counted.find(({ rule, calls }) => rule.nth === 'all' || calls === (rule.nth ?? 1))?.rule
  }
  return {
    add: (rule) => void rules.push({ rule, calls: 0 }),
    takeEndpoint: (endpoint) => take(endpoint)?.effect as EndpointEffect | undefined,
    takeCallback: () => take('callback')?.effect as CallbackEffect | undefined,
  }
}

/** Reads a rule that came as JSON; undefined when it is none. */
export function toFaultRule(value: unknown): FaultRule | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { endpoint, effect, nth } = value as Record<string, unknown>
  if (nth !== undefined && nth !== 'all' && !(Number.isInteger(nth) && Number(nth) > 0)) return undefined
  return isEffectOf(endpoint, effect) ? (value as FaultRule) : undefined
}

function isEffectOf(endpoint: unknown, effect: unknown): boolean {
  if (endpoint === 'callback') return effect === 'lost' || effect === 'twice' || effect === 'forged'
  if (!ENDPOINTS.some((known) => known === endpoint)) return false
  if (effect === 'drop' || effect === 'lost') return true
  if (typeof effect !== 'object' || effect === null) return false
  const { status, cutAt } = effect as Record<string, unknown>
  return Number.isInteger(status) || (endpoint === 'download' && Number.isInteger(cutAt))
}
