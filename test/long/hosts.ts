import type { Azurite } from '../../local/azurite.ts'
import { freePorts, hasEnded, waitUntil } from '../../local/processes.ts'
import {
  type ProxiedRequest,
  type ProxyEffect,
  proxiedConnectionString,
  serviceOrigins,
  startProxy,
} from '../../local/proxy.ts'
import type { HostRun, Site } from '../setup/host-process.ts'
import { type Death, HOSTS } from './history.ts'

/** A busy machine may take long for a host to make its next writes. */
const DEATH_MILLISECONDS = 90_000

/** Hosts side by side on one site. Each of them is a process of its own, which can be killed at a write of its own. */
export type Hosts = {
  /** How many calls of tables all of them made so far. It counts the time of a history. */
  calls(): number
  /** Waits until they have made so many calls more. Throws once they are closed. */
  makeCalls(count: number): Promise<void>
  /** Kills a host by its id at one of its writes, and starts it again. */
  kill(host: number, death: Death): Promise<void>
  /** Ends all of them in order. */
  stop(): Promise<void>
  /** Closes the ways to the tables, and lets no host start any more. Also after a failure. */
  close(): Promise<void>
  lines(): readonly string[]
}

/** One of the hosts: its port, every process that was it, and what waits for the one of now. */
type Seat = { readonly port: number; readonly runs: HostRun[]; trap?: Trap }

type Trap = { left: number; readonly death: Death }

export async function startHosts(site: Site, azurite: Azurite): Promise<Hosts> {
  let calls = 0
  let isClosed = false
  const seats = (await freePorts(HOSTS)).map((port): Seat => ({ port, runs: [] }))
  const gates = await Promise.all(
    seats.map((seat) => {
      const onRequest = (request: ProxiedRequest) => {
        calls += 1
        return spring(seat, request)
      }
      return startProxy({ target: serviceOrigins(azurite.connectionString).table, onRequest })
    }),
  )
  const start = (host: number) => {
    if (isClosed) throw ended()
    const { port, runs } = seats[host] ?? noHost(host)
    const table = gates[host]?.origin ?? ''
    runs.push(site.startHost({ DataStorage: proxiedConnectionString(azurite.connectionString, { table }) }, port))
  }
  for (const host of seats.keys()) start(host)
  return {
    calls: () => calls,
    async makeCalls(count) {
      const enough = calls + count
      await waitUntil('the hosts have made more calls', () => isClosed || calls >= enough, DEATH_MILLISECONDS)
      if (isClosed) throw ended()
    },
    async kill(host, death) {
      const seat = seats[host] ?? noHost(host)
      const child = seat.runs.at(-1)?.child ?? noHost(host)
      seat.trap = { left: death.writes, death }
      await waitUntil(`host ${host} dies`, () => hasEnded(child), DEATH_MILLISECONDS)
      if (child.signalCode !== 'SIGKILL') throw new Error(`host ${host} ended by itself: ${child.exitCode}`)
      start(host)
    },
    async stop() {
      await Promise.all(seats.map(({ runs }) => runs.at(-1)?.stop()))
    },
    async close() {
      isClosed = true
      await Promise.all(gates.map((gate) => gate.close()))
    },
    lines: () => seats.flatMap(({ runs }) => runs.flatMap(({ lines }) => lines)),
  }
}

/** Kills the host of the seat when its trap is due. The write that it is at then still counts, or does not. */
function spring(seat: Seat, request: ProxiedRequest): ProxyEffect {
  const { trap, runs } = seat
  if (!trap || request.method === 'GET') return 'pass'
  trap.left -= 1
  const isDue = trap.left <= 0 || (trap.death.landing && isOfLanding(request))
  if (!isDue || !runs.at(-1)?.child.kill('SIGKILL')) return 'pass'
  delete seat.trap
  return trap.death.call
}

function isOfLanding({ path, body = '' }: ProxiedRequest): boolean {
  return path.includes('$batch') || body.includes('"state":"landing"')
}

const ended = () => new Error('the history has ended')

function noHost(host: number): never {
  throw new Error(`there is no host ${host}`)
}
