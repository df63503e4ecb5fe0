/** The quiet feeds of the idle figures. */
export const QUIET = { feeds: 20, windows: 4_000 }

/** The feeds of the status figure: three years of days each. */
export const SEEN = { feeds: 20, windows: 1_095 }

/** The results of the bench, in milliseconds, bytes, MiB, microseconds of processor time per row, or as ratios. */
export type Figures = {
  /**
   * Check and write, from CSV bytes to acknowledged rows, compared with csv-parse and submitTransaction. Both run with the
   * flags that the deployed app passes to Node.
   */
  readonly cpu_vs_sdk: number
  /** The app's writer, which starts from entities, compared with bare `node:http`, which sends prepared bodies. */
  readonly cpu_write_vs_raw: number
  readonly cpu_us_per_row: number
  /** What the file of a landing adds, run in turn with one without: to write it and to read it back. */
  readonly parquet_us_per_row: number
  readonly rss_mb_100k: number
  readonly rss_mb_2m: number
  /** The same with a file of the rows. */
  readonly rss_mb_2m_parquet: number
  readonly billed_ops_per_1000_rows: number
  /** The same for a landing that replaces another, until the replaced rows are gone. */
  readonly billed_ops_restated: number
  /** What one tick of both timers reads of storage, for each of 20 feeds with 4,000 landed windows that need nothing. */
  readonly idle_bytes_per_feed: number
  /** The requests of that tick, by the timer that sends more of them. */
  readonly idle_requests: number
  /** The same as the bytes of an idle tick, for the first tick of a day, which reads every entry. */
  readonly audit_bytes_per_feed: number
  /** Peak memory of an instance that runs these ticks. */
  readonly sweep_rss_mb: number
  /** Processor time to plan 3,650 due windows of one feed, half of which have an entry. */
  readonly plan_ms_3650: number
  /** The same compared with 365 windows: 10 where the time grows with their number, 100 where it grows with its square. */
  readonly plan_growth: number
  /** How long a status takes, compared with reading the same rows, in the same columns and pages, with the SDK alone. */
  readonly status_vs_raw: number
  /** How long the dashboard takes in Chromium, from the answer for 20 feeds with 120 windows each until it is painted. */
  readonly dashboard_ms: number
  /** How many forged callbacks a second the built app refuses under the stand-in host, of a caller with 32 connections. */
  readonly forged_rps: number
  /** How often the app calls storage for all of them. */
  readonly forged_storage_calls: number
  /** By how much the peak memory of its process grows with 40,000 of them, once 60,000 have warmed it up. */
  readonly forged_rss_growth_mb: number
  readonly import_ms: number
  readonly bundle_mb: number
}

/** The upper limit of each figure. */
export const LIMITS: Readonly<Partial<Record<keyof Figures, number>>> = {
  cpu_vs_sdk: 0.3,
  cpu_write_vs_raw: 1.5,
  rss_mb_2m: 200,
  rss_mb_2m_parquet: 250,
  billed_ops_per_1000_rows: 10.5,
  billed_ops_restated: 22,
  idle_bytes_per_feed: 4 * 1024,
  idle_requests: 2 + 2 * QUIET.feeds,
  sweep_rss_mb: 200,
  plan_ms_3650: 10,
  plan_growth: 20,
  status_vs_raw: 1.5,
  dashboard_ms: 500,
  forged_storage_calls: 0,
  forged_rss_growth_mb: 10,
  import_ms: 80,
  bundle_mb: 2,
}

/** The lower limit of each figure that has one. */
export const LEAST: Readonly<Partial<Record<keyof Figures, number>>> = { forged_rps: 500 }

/** Memory may grow by this much, in MiB, from 100,000 rows to 2,000,000. */
const GROWTH_LIMIT = 20

/** Gives one line for each figure that misses its limit. */
export function missed(figures: Figures): readonly string[] {
  const names = Object.keys(figures) as (keyof Figures)[]
  // NaN misses every limit.
  const over = names.flatMap((name) => {
    const limit = LIMITS[name]
    return limit === undefined || figures[name] <= limit ? [] : [`${name} is ${figures[name]}, over ${limit}`]
  })
  const under = names.flatMap((name) => {
    const least = LEAST[name]
    return least === undefined || figures[name] >= least ? [] : [`${name} is ${figures[name]}, under ${least}`]
  })
  const growth = figures.rss_mb_2m - figures.rss_mb_100k
  const grown = growth <= GROWTH_LIMIT ? [] : [`rss_mb_2m is ${growth} over rss_mb_100k, more than ${GROWTH_LIMIT}`]
  return [...over, ...under, ...grown]
}

export function rounded(figures: Figures): Figures {
  const entries = Object.entries(figures).map(([name, value]) => [name, Math.round(value * 1000) / 1000])
  return Object.fromEntries(entries) as Figures
}
