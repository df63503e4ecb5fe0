const MINUTE = 60_000

/** `LAWS_RUNS` makes a long test of a short one, `LAWS_SEED` plays the histories of an earlier run again. */
const { LAWS_RUNS: runs, LAWS_SEED: seed } = process.env

/** How long a property may take. */
export const LIMIT = (runs ? 30 : 5) * MINUTE

/** How many histories a property plays, from which seed. A failing one is reported before the test times out. */
export function runsOf(usual: number) {
  return {
    numRuns: runs ? Number(runs) : usual,
    ...(seed && { seed: Number(seed) }),
    interruptAfterTimeLimit: LIMIT - MINUTE,
    markInterruptAsFailure: true,
  }
}
