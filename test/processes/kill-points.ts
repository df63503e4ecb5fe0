import type { ProxiedRequest } from '../../local/proxy.ts'
import type { Callee, Site } from '../setup/host-process.ts'
import { asksForReport } from '../setup/insights.ts'

/** Rows of one window. They take eleven transactions, of which at most ten are sent when the third is on its way. */
export const ROWS = 1100
export const TABLE = 'AzureUsage'

/** A call of the host during which it is killed. */
export type KillPoint = {
  readonly name: string
  readonly callee: Callee
  is(request: ProxiedRequest): boolean
  /** Which of these calls it is; the first unless said. */
  readonly nth?: number
  /** `pass`: the call still has its effect, and nobody is there for the answer. `before`: it has none. */
  readonly call: 'pass' | 'before'
  /**
   * Without it no callback comes and all messages are lost with the host: the one it was working on would stay invisible
   * for ten minutes. Then only the sweep can finish what the host began.
   */
  readonly keepsMessages?: true
  /** Whether storage and service are as they must be after a death at exactly this point. */
  holds(site: Site): Promise<boolean>
}

const writes =
  (state: string) =>
  ({ body }: ProxiedRequest): boolean =>
    body?.includes(`"state":"${state}"`) === true

const entryHolds =
  (fields: Readonly<Record<string, string>>) =>
  async ({ entries }: Site): Promise<boolean> =>
    (await entries()).some((entry) => Object.entries(fields).every(([name, value]) => entry[name] === value))

const reportsStanding = ({ simulator }: Site): number => simulator.reports().length

export const KILL_POINTS: readonly KillPoint[] = [
  {
    name: 'after `requesting` is written',
    callee: 'table',
    call: 'pass',
    is: writes('requesting'),
    holds: async (site) => reportsStanding(site) === 0 && (await entryHolds({ state: 'requesting' })(site)),
  },
  {
    name: 'after the POST',
    callee: 'insights',
    call: 'pass',
    is: asksForReport,
    holds: async (site) => reportsStanding(site) === 1 && (await entryHolds({ state: 'requesting' })(site)),
  },
  {
    name: 'after `requested` is written',
    callee: 'table',
    call: 'pass',
    is: writes('requested'),
    holds: async (site) => reportsStanding(site) === 1 && (await entryHolds({ state: 'requested' })(site)),
  },
  {
    name: 'after the message of the callback',
    callee: 'queue',
    call: 'pass',
    keepsMessages: true,
    is: isCallbackMessage,
    holds: async ({ messages }) => (await messages()).some((text) => text.includes('"reportId"')),
  },
  {
    name: 'after the lease is taken',
    callee: 'table',
    call: 'pass',
    is: writes('landing'),
    holds: async (site) =>
      (await site.rows(TABLE)).length === 0 && (await entryHolds({ state: 'landing', phase: 'check' })(site)),
  },
  {
    name: 'at the 3rd batch',
    callee: 'table',
    call: 'pass',
    nth: 3,
    is: ({ path }) => path.includes('$batch'),
    async holds(site) {
      const { length } = await site.rows(TABLE)
      return length >= 100 && length < ROWS && (await entryHolds({ state: 'landing', phase: 'write' })(site))
    },
  },
  {
    name: 'before `landed` is written',
    callee: 'table',
    call: 'before',
    is: writes('landed'),
    async holds(site) {
      const { length } = await site.rows(TABLE)
      return length === ROWS && (await entryHolds({ state: 'landing' })(site))
    },
  },
  {
    name: "before the report's deletion",
    callee: 'insights',
    call: 'before',
    is: ({ method, path }) => method === 'DELETE' && path.includes('/ScheduledReport/'),
    async holds(site) {
      const standing = site.simulator.reports().map(({ reportId }) => reportId)
      const landed = (await site.entries()).filter(({ state }) => state === 'landed')
      return landed.some(({ remoteReports }) => standing.some((id) => String(remoteReports).includes(id)))
    },
  },
]

/** The sweep sends hints to the same queue. Only the hints of callbacks name the report. */
function isCallbackMessage({ method, path, body = '' }: ProxiedRequest): boolean {
  if (method !== 'POST' || !path.includes('/ingest/messages')) return false
  const [, text = ''] = /<MessageText>([^<]*)</.exec(body) ?? []
  return Buffer.from(text, 'base64').toString('utf8').includes('"reportId"')
}
