import { CATALOG } from '../src/core/catalog.ts'
import type { FeedsFile } from '../src/core/feeds/feeds.ts'
import { futureStartWarnings, laterStartWarnings } from '../src/core/feeds/history.ts'
import { forecastLines } from '../src/core/plan/forecast.ts'
import { historyForecast } from '../src/core/plan/history-forecast.ts'
import { idleFieldWarnings } from '../src/core/plan/idle-fields.ts'

/** What decides about feeds beside themselves: `since` says when the app first saw those that it knows. */
type Beside = { readonly maxReportsPerHour: number; readonly since: ReadonlyMap<string, Date>; readonly now: Date }

/** What to tell a person of feeds that can be used: what they will ask for, and what to be warned of. */
export function tellOfFeeds(file: FeedsFile, { maxReportsPerHour, since, now }: Beside) {
  const { feeds } = file
  const forecast = forecastLines(feeds, maxReportsPerHour, now)
  const history = historyForecast(feeds, maxReportsPerHour, since, now)
  return {
    lines: [...forecast.lines, ...history.lines],
    warnings: [
      ...file.warnings,
      ...idleFieldWarnings(file, since, now),
      ...laterStartWarnings(feeds, CATALOG, now),
      ...futureStartWarnings(feeds, now),
      ...history.warnings,
      ...forecast.warnings,
    ],
  }
}

/** Warnings as lines of output. */
export function warningLines(warnings: readonly string[]): readonly string[] {
  return warnings.map((warning) => `warning: ${warning}`)
}
