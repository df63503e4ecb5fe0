import { once } from 'node:events'
import { nextMessage, startNode } from '../local/processes.ts'
import type { Cost, Run, Side } from './run.ts'
import type { Said } from './run-process.ts'
import type { Fault, Tally } from './sink.ts'
import { ROUNDS } from './writing.ts'

/** A report in a file, and the number of its rows. */
export type Report = { readonly path: string; readonly rows: number }

/** `program` is `run-process.ts` or a bundle of it, and `flags` are Node's. `origin` is the address of the sink for rows, and `storage` the connection string
 * of a storage for files. */
export type Bench = {
  readonly program: string
  readonly flags: readonly string[]
  readonly origin: string
  readonly storage: string
  readonly warmUp: Report
}

/** The result of a run. `rows` is the number of rows sent, and `tally` is what the sink took. */
export type Measured = { readonly rows: number; readonly cost: Cost; readonly tally: Tally }

/**
 * Runs one side in its own process and compares the rows that it reports as acknowledged with those that the sink took.
 * Throws if they differ, because a writer that does not read its answers proves nothing.
 */
export async function runOnce(
  { program, flags, origin, storage, warmUp }: Bench,
  side: Side,
  report: Report,
): Promise<Measured> {
  const run: Run = { side, origin, storage, warmUp: warmUp.path, report: report.path }
  const child = startNode([...flags, program, JSON.stringify(run)], { output: 'inherit' })
  const ended = once(child, 'exit')
  const said = await nextMessage<Said>(child, `${side}: the process`)
  await ended
  const tally = await takeTally(origin)
  if ('error' in said) throw new Error(`${side}: ${said.error}`)
  const rows = report.rows * (side === 'writer' || side === 'raw' ? ROUNDS : 1)
  const { acknowledged } = said.cost
  if (acknowledged !== rows || tally.rows !== rows) {
    throw new Error(`${side}: ${acknowledged} rows acknowledged, ${tally.rows} taken by the sink, ${rows} sent`)
  }
  return { rows, cost: said.cost, tally }
}

export async function takeTally(origin: string): Promise<Tally> {
  return (await (await fetch(`${origin}/tally`)).json()) as Tally
}

/** Sets the fault of the sink from now on, or removes it if no fault is given. */
export async function setFault(origin: string, fault?: Fault): Promise<void> {
  await fetch(`${origin}/fault`, { method: 'PUT', body: fault === undefined ? '' : JSON.stringify(fault) })
}

/** Makes the sink count the rows without hashing them. */
export async function setCountOnly(origin: string, countOnly: boolean): Promise<void> {
  await fetch(`${origin}/count-only`, { method: 'PUT', body: String(countOnly) })
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
