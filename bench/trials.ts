import {
  type Bench,
  type Measured,
  median,
  type Report,
  runOnce,
  setCountOnly,
  setFault,
  takeTally,
} from './measure.ts'
import type { Side } from './run.ts'
import type { Fault } from './sink.ts'

/** Medians: microseconds of processor time per row, and the milliseconds of start-up and warm-up, which do not count. */
export type Trial = { readonly usPerRow: number; readonly startMs: number; readonly warmUpMs: number }

/**
 * Runs two sides in turn, so that other work of the machine affects both, and gives the medians of each. Each side first
 * writes once for the sink to hash. During the measured runs the sink only counts: otherwise the sides would wait for its
 * hashes.
 */
export async function compare<A extends Side, B extends Side>(
  bench: Bench,
  [first, second]: readonly [A, B],
  report: Report,
  times: number,
): Promise<Record<A | B, Trial>> {
  const hashed = [await runOnce(bench, first, report), await runOnce(bench, second, report)]
  requireSameRows(hashed, `${first} and ${second}`)
  const runs: Record<'first' | 'second', Measured[]> = { first: [], second: [] }
  await countingOnly(bench, async () => {
    for (let time = 0; time < times; time++) {
      runs.first.push(await runOnce(bench, first, report))
      runs.second.push(await runOnce(bench, second, report))
    }
  })
  return { [first]: trial(runs.first), [second]: trial(runs.second) } as Record<A | B, Trial>
}

async function countingOnly({ origin }: Bench, run: () => Promise<void>): Promise<void> {
  await setCountOnly(origin, true)
  try {
    await run()
  } finally {
    await setCountOnly(origin, false)
  }
}

/** Throws unless all runs wrote the same rows, values and types. Otherwise they did not do the same work. */
export function requireSameRows(runs: readonly Measured[], sides: string): void {
  const hashes = new Set(runs.map(({ tally }) => tally.hash))
  if (hashes.size > 1) throw new Error(`${sides}: the rows the sink took differ in values or types`)
}

function trial(runs: readonly Measured[]): Trial {
  return {
    usPerRow: median(runs.map(({ cost, rows }) => (cost.cpuMs * 1000) / rows)),
    startMs: median(runs.map(({ cost }) => cost.startMs)),
    warmUpMs: median(runs.map(({ cost }) => cost.warmUpMs)),
  }
}

/** Faults that pass. They must leave the same rows. */
const PASSING: readonly Fault[] = [
  { kind: 'busy', every: 3 },
  { kind: 'delay', every: 5 },
  { kind: 'cut', every: 4 },
]

/**
 * Checks that the app counts only what the service acknowledged. Faults that pass must leave the same rows, and a row
 * without an answer must make the landing fail. Throws otherwise.
 */
export async function requireHonesty(bench: Bench, report: Report): Promise<void> {
  try {
    const runs = [await runOnce(bench, 'app', report)]
    for (const fault of PASSING) {
      await setFault(bench.origin, fault)
      runs.push(await runOnce(bench, 'app', report))
    }
    requireSameRows(runs, 'app, with and without faults')
    await setFault(bench.origin, { kind: 'omit', every: 7 })
    await requireUnproven(bench, report)
  } finally {
    await setFault(bench.origin)
  }
}

/** The message of a landing that counted fewer answers than rows. A run with a wrong count fails with another message. */
const UNPROVEN = 'the landing is not complete'

async function requireUnproven(bench: Bench, report: Report): Promise<void> {
  const said = await runOnce({ ...bench, warmUp: report }, 'app', report).then(
    () => 'landed',
    (error: Error) => error.message,
  )
  await takeTally(bench.origin)
  if (!said.includes(UNPROVEN)) throw new Error(`app: some rows got no answer, but the app says: ${said}`)
}

/** Billed operations per 1,000 rows of replacing a report. Throws unless every replaced row was deleted. */
export async function restatedOps(bench: Bench, report: Report): Promise<number> {
  const { tally, rows } = await runOnce(bench, 'restated', report)
  if (tally.deleted !== rows) throw new Error(`restated: ${tally.deleted} rows deleted, ${rows} replaced`)
  return (1000 * tally.requests) / rows
}

/** Peak memory in MiB of landing a report, and billed operations per 1,000 rows. */
export type Footprint = { readonly rssMb: number; readonly billedOps: number }

/** Lands a report a number of times and gives the medians. */
export async function footprint(
  bench: Bench,
  side: 'app' | 'published',
  report: Report,
  times: number,
): Promise<Footprint> {
  const runs: Measured[] = []
  await countingOnly(bench, async () => {
    for (let time = 0; time < times; time++) runs.push(await runOnce(bench, side, report))
  })
  return {
    rssMb: median(runs.map(({ cost }) => cost.rssMb)),
    billedOps: median(runs.map(({ tally, rows }) => (1000 * tally.requests) / rows)),
  }
}
