const MINUTE = 60_000

/**
 * `LAWS_RUNS` is how many histories a long test plays. `LAWS_SEED` plays those of an earlier run again, and with it
 * `LAWS_PATH` one of them alone: both are in the message of a property that failed.
 */
const { LAWS_RUNS: runs, LAWS_SEED: seed, LAWS_PATH: path } = process.env

export const isLong = runs !== undefined

/** How long a property may take, in milliseconds. */
export const LIMIT = (isLong ? 30 : 5) * MINUTE

/** What fast-check is told. A failing history is reported before the test times out. */
export function runsOf(usual: number) {
  return {
    numRuns: isLong ? Number(runs) : usual,
    ...(seed && { seed: Number(seed) }),
    ...(path && { path, endOnFailure: true }),
    interruptAfterTimeLimit: LIMIT - MINUTE,
    markInterruptAsFailure: true,
  }
}
