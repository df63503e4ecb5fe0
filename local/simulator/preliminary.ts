/** Preliminary rows: what a month or a day holds before the service has loaded all of it. */

import type { Dataset } from '../../src/core/catalog.ts'
import { stepPeriod } from './periods.ts'
import type { Value } from './values.ts'

type Row = readonly Value[]

const DAY_MS = 86_400_000

/**
 * When the service has loaded all of the month or day that begins at `start`: at the end of the last day of the next month
 * on which it loads data, as the documents name it for most datasets; else as late as its data settles.
 */
export function loadedAt({ grain, refreshDays, latency }: Dataset, start: Date): Date {
  const end = stepPeriod(grain ?? 'day', start, 1)
  if (refreshDays) {
    const last = new Date(end.getTime() - 1)
    return new Date(Date.UTC(last.getUTCFullYear(), last.getUTCMonth() + 1, Math.max(...refreshDays) + 1))
  }
  const [, count = '0', unit] = /^P(\d+)([DM])$/.exec(latency) ?? []
  const [months, days] = unit === 'M' ? [Number(count), 0] : [0, Number(count)]
  return new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() + months, end.getUTCDate() + days))
}

/**
 * What of the rows there is at `madeAt`: the first ones, as many as of the time until `loaded` has passed, and at least one.
 * The first of them is another one each day.
 */
export function preliminaryRows(
  rows: readonly Row[],
  { start, loaded, madeAt }: { readonly start: Date; readonly loaded: Date; readonly madeAt: Date },
  make: (day: number) => Row,
): readonly Row[] {
  const share = (madeAt.getTime() - start.getTime()) / (loaded.getTime() - start.getTime())
  const there = rows.slice(0, Math.max(Math.floor(rows.length * share), 1))
  return [make(Math.floor(madeAt.getTime() / DAY_MS)), ...there.slice(1)]
}
