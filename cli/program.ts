import { Command, CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { addAcceptGap } from './commands/accept-gap.ts'
import { addBackfill } from './commands/backfill.ts'
import { addCleanup } from './commands/cleanup.ts'
import { addConsent } from './commands/consent.ts'
import { addDatasets } from './commands/datasets.ts'
import { addDiff } from './commands/diff.ts'
import { addDoctor } from './commands/doctor.ts'
import { addErase } from './commands/erase.ts'
import { addFeeds } from './commands/feeds.ts'
import { addForget } from './commands/forget.ts'
import { addImport } from './commands/import.ts'
import { addPurge } from './commands/purge.ts'
import { addQueries } from './commands/queries.ts'
import { addRejects } from './commands/rejects.ts'
import { addReplay } from './commands/replay.ts'
import { addReports } from './commands/reports.ts'
import { addRetry } from './commands/retry.ts'
import { addStatus } from './commands/status.ts'
import { addUnblock } from './commands/unblock.ts'
import { addValidate } from './commands/validate.ts'
import { addExamples } from './examples.ts'

/** Creates the command line. docs/commands.md describes it, and a test compares the two. */
export function createProgram(): Command {
  const program = new Command('partner-insights-sync')
    .description(packageJson.description)
    .version(packageJson.version)
    .showHelpAfterError('(add --help to see all commands and options)')
    .exitOverride()
    .addHelpText('after', '\nExit code: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C.')
  // The help lists the commands in this order.
  addStatus(program)
  addBackfill(program)
  addRetry(program)
  addReplay(program)
  addImport(program)
  addDiff(program)
  addRejects(program)
  addForget(program)
  addErase(program)
  addPurge(program)
  addUnblock(program)
  addAcceptGap(program)
  addValidate(program)
  addFeeds(program)
  addDatasets(program)
  addQueries(program)
  addReports(program)
  addCleanup(program)
  addDoctor(program)
  addConsent(program)
  addExamples(program)
  return program
}

/** Runs what a person typed after the name of the program, and sets the exit code of the process. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? 0 : 2
  }
}
