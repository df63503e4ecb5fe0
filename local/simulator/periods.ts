/** The months and days of a dataset. */

/** The first instant of the month or day that is `by` months or days after the one of `start`. */
export function stepPeriod(grain: 'day' | 'month', start: Date, by: number): Date {
  const [year, month, day] = [start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate()]
  return new Date(grain === 'day' ? Date.UTC(year, month, day + by) : Date.UTC(year, month + by, 1))
}
