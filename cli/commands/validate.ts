import type { Command } from 'commander'
import { CATALOG } from '../../src/core/catalog.ts'
import { counted } from '../../src/core/counted.ts'
import { checkFeeds } from '../../src/core/feeds/feeds.ts'
import { reportsPerHour } from '../../src/settings/settings.ts'
import { addCommand, type CommonOptions, readOwnEnvironment } from '../command.ts'
import { tellOfFeeds, warningLines } from '../feed-warnings.ts'
import { readLocalText } from '../local-feeds.ts'
import { type CommandResult, done, print, refused } from '../output.ts'

/** Checks the local feeds against the schema, the catalogue and the query language, without requests. Of the settings it takes the limit of reports. */
export function addValidate(program: Command): void {
  addCommand(program, 'validate', 'check the local feeds without asking the service').action((options: CommonOptions) =>
    print(options, () => validate(options)),
  )
}

async function validate({ feeds: file, settings, azdEnv }: CommonOptions): Promise<CommandResult> {
  if (azdEnv !== undefined) return refused(['validate asks no app: type "feeds push --dry-run --azd-env"'], 2)
  const local = await readLocalText(file)
  if ('problems' in local) return refused(local.problems)
  const { problems, ...checked } = checkFeeds(local.text, CATALOG, file)
  const { feeds } = checked
  const env = await readOwnEnvironment(settings)
  if ('problems' in env) return refused([...problems, ...env.problems])
  const wrong: string[] = []
  const maxReportsPerHour = reportsPerHour(env.values, wrong)
  if (wrong.length > 0) return refused([...problems, ...wrong])
  const { lines, warnings } = tellOfFeeds(checked, { maxReportsPerHour, since: new Map(), now: new Date() })
  if (problems.length > 0) {
    return { ...refused([...problems, ...warningLines(warnings)]), json: { problems, warnings } }
  }
  return done({ feeds: feeds.map(({ name }) => name), warnings }, [
    ...warningLines(warnings),
    ...lines,
    `${file}: ${counted(feeds.length, 'feed')}, no problems`,
  ])
}
