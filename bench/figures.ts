/** The results of the bench, in milliseconds, MiB, microseconds of processor time per row, or as ratios. */
export type Figures = {
  /** Check and write, from CSV bytes to acknowledged rows, compared with csv-parse and submitTransaction. */
  readonly cpu_vs_sdk: number
  /** The app's writer, which starts from entities, compared with bare `node:http`, which sends prepared bodies. */
  readonly cpu_write_vs_raw: number
  readonly cpu_us_per_row: number
  readonly rss_mb_100k: number
  readonly rss_mb_2m: number
  readonly billed_ops_per_1000_rows: number
  /** The same for a landing that replaces another, until the replaced rows are gone. */
  readonly billed_ops_restated: number
  readonly import_ms: number
  readonly bundle_mb: number
}

/** The upper limit of each figure. */
export const LIMITS: Readonly<Partial<Record<keyof Figures, number>>> = {
  cpu_vs_sdk: 0.4,
  cpu_write_vs_raw: 1.5,
  rss_mb_2m: 200,
  billed_ops_per_1000_rows: 10.5,
  billed_ops_restated: 22,
  import_ms: 80,
  bundle_mb: 2,
}

/** Memory may grow by this much, in MiB, from 100,000 rows to 2,000,000. */
const GROWTH_LIMIT = 20

/** Gives one line for each figure over its limit. */
export function missed(figures: Figures): readonly string[] {
  const names = Object.keys(figures) as (keyof Figures)[]
  const over = names.flatMap((name) => {
    const limit = LIMITS[name]
    // NaN counts as over the limit.
    return limit === undefined || figures[name] <= limit ? [] : [`${name} is ${figures[name]}, over ${limit}`]
  })
  const growth = figures.rss_mb_2m - figures.rss_mb_100k
  return growth <= GROWTH_LIMIT ? over : [...over, `rss_mb_2m is ${growth} over rss_mb_100k, more than ${GROWTH_LIMIT}`]
}

export function rounded(figures: Figures): Figures {
  const entries = Object.entries(figures).map(([name, value]) => [name, Math.round(value * 1000) / 1000])
  return Object.fromEntries(entries) as Figures
}
