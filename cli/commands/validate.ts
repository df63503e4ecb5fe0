import type { Command } from 'commander'
import { CATALOG } from '../../src/core/catalog.ts'
import { checkFeeds } from '../../src/core/feeds/feeds.ts'
import { laterStartWarnings } from '../../src/core/feeds/history.ts'
import { forecastLines } from '../../src/core/plan/forecast.ts'
import { readText } from '../../src/services/text-file.ts'
import { DEFAULT_REPORTS_PER_HOUR } from '../../src/settings/settings.ts'
import { addCommand, type CommonOptions } from '../command.ts'
import { type CommandResult, done, print, refused } from '../output.ts'

/** Checks the local feeds against the schema, the catalogue and the query language, without requests or settings. */
export function addValidate(program: Command): void {
  addCommand(program, 'validate', 'check the local feeds without asking the service').action((options: CommonOptions) =>
    print(options, () => validate(options.feeds)),
  )
}

async function validate(file: string): Promise<CommandResult> {
  const text = await readText(file).catch(() => undefined)
  if (text === undefined) return refused([`${file} cannot be read`])
  const checked = checkFeeds(text, CATALOG)
  if ('problems' in checked) return refused(checked.problems)
  const { feeds } = checked
  const names = feeds.map(({ name }) => name)
  const now = new Date()
  const forecast = forecastLines(feeds, DEFAULT_REPORTS_PER_HOUR, now)
  const later = laterStartWarnings(feeds, CATALOG, now)
  const warnings = [...checked.warnings, ...later, ...forecast.warnings]
  const told = warnings.map((warning) => `warning: ${warning}`)
  return done({ feeds: names, warnings }, [...told, ...forecast.lines, `${file}: ${feeds.length} feeds, no problems`])
}
