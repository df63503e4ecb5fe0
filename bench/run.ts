import { TableClient } from '@azure/data-tables'
import { landByLibraries } from './baseline.ts'
import { landByApp, landPublished } from './landing.ts'
import { prepareRestatement } from './restatement.ts'
import { type Prepared, prepareRaw, prepareWriter } from './writing.ts'

/**
 * The things to measure. Each run has its own process. `published` is a landing with a file of its rows, `restated` one that
 * replaces another.
 */
export type Side = 'app' | 'published' | 'restated' | 'libraries' | 'writer' | 'raw'

/** One run. It lands `warmUp` first and does not count it. `storage`: the connection string of the storage for files. */
export type Run = {
  readonly side: Side
  readonly origin: string
  readonly storage: string
  readonly warmUp: string
  readonly report: string
}

/** The cost of a run, in milliseconds of processor time and MiB of peak memory. */
export type Cost = {
  readonly startMs: number
  readonly warmUpMs: number
  readonly cpuMs: number
  readonly rssMb: number
  readonly acknowledged: number
}

/** Transactions in flight on every side, as many as the app sends. */
const IN_FLIGHT = 8

type Prepare = (report: string, client: TableClient, storage: string) => Promise<Prepared>

const SIDES: Readonly<Record<Side, Prepare>> = {
  app: async (report, client) => () => landByApp(report, client),
  published: async (report, client, storage) => () => landPublished(report, client, storage),
  restated: prepareRestatement,
  libraries: async (report, client) => () => landByLibraries(report, client, IN_FLIGHT),
  // These send the few rows of a report many times.
  writer: (report, client) => prepareWriter(report, client, IN_FLIGHT),
  raw: (report, client) => prepareRaw(report, client, IN_FLIGHT),
}

/** Lands the warm-up, prepares the report, resets the tally of the sink, and lands the report. */
export async function measure({ side, origin, storage, warmUp, report }: Run): Promise<Cost> {
  const startMs = cpuMs()
  const client = new TableClient(`${origin}/bench`, 'Bench', { allowInsecureConnection: true })
  const prepare = SIDES[side]
  await (await prepare(warmUp, client, storage))()
  const warmUpMs = cpuMs() - startMs
  const prepared = await prepare(report, client, storage)
  await fetch(`${origin}/tally`)
  const before = cpuMs()
  const acknowledged = await prepared()
  return { startMs, warmUpMs, cpuMs: cpuMs() - before, rssMb: process.resourceUsage().maxRSS / 1024, acknowledged }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
