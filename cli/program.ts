import { Command, CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { addExamples } from './examples.ts'

/** What adds each command, loaded when it is needed: each brings much of the app. The help lists the commands in this order. */
const COMMANDS: ReadonlyMap<string, () => Promise<(program: Command) => void>> = new Map([
  ['status', async () => (await import('./commands/status.ts')).addStatus],
  ['backfill', async () => (await import('./commands/backfill.ts')).addBackfill],
  ['retry', async () => (await import('./commands/retry.ts')).addRetry],
  ['replay', async () => (await import('./commands/replay.ts')).addReplay],
  ['import', async () => (await import('./commands/import.ts')).addImport],
  ['diff', async () => (await import('./commands/diff.ts')).addDiff],
  ['rejects', async () => (await import('./commands/rejects.ts')).addRejects],
  ['forget', async () => (await import('./commands/forget.ts')).addForget],
  ['erase', async () => (await import('./commands/erase.ts')).addErase],
  ['purge', async () => (await import('./commands/purge.ts')).addPurge],
  ['unblock', async () => (await import('./commands/unblock.ts')).addUnblock],
  ['accept-gap', async () => (await import('./commands/accept-gap.ts')).addAcceptGap],
  ['validate', async () => (await import('./commands/validate.ts')).addValidate],
  ['feeds', async () => (await import('./commands/feeds.ts')).addFeeds],
  ['datasets', async () => (await import('./commands/datasets.ts')).addDatasets],
  ['queries', async () => (await import('./commands/queries.ts')).addQueries],
  ['reports', async () => (await import('./commands/reports.ts')).addReports],
  ['cleanup', async () => (await import('./commands/cleanup.ts')).addCleanup],
  ['doctor', async () => (await import('./commands/doctor.ts')).addDoctor],
  ['consent', async () => (await import('./commands/consent.ts')).addConsent],
])

/**
 * Creates the command line, with all commands unless `name` is one of them: then with that one alone. docs/commands.md
 * describes it, and a test compares the two.
 */
export async function createProgram(name?: string): Promise<Command> {
  const program = new Command('partner-insights-sync')
    .description(packageJson.description)
    .version(packageJson.version)
    .showHelpAfterError('(add --help to see all commands and options)')
    .exitOverride()
    .addHelpText('after', '\nExit code: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C.')
  const named = COMMANDS.get(name ?? '')
  for (const load of named ? [named] : COMMANDS.values()) (await load())(program)
  addExamples(program)
  return program
}

/** Runs what a person typed after the name of the program, and sets the exit code of the process. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    const program = await createProgram(args[0])
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? 0 : 2
  }
}
