#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { addCleanup } from './commands/cleanup.ts'
import { addConsent } from './commands/consent.ts'
import { addDatasets } from './commands/datasets.ts'
import { addDoctor } from './commands/doctor.ts'
import { addFeeds } from './commands/feeds.ts'
import { addImport } from './commands/import.ts'
import { addQueries } from './commands/queries.ts'
import { addRejects } from './commands/rejects.ts'
import { addReplay } from './commands/replay.ts'
import { addRetry } from './commands/retry.ts'
import { addStatus } from './commands/status.ts'
import { addValidate } from './commands/validate.ts'

const program = new Command('partner-insights-sync')
  .description(packageJson.description)
  .version(packageJson.version)
  .showHelpAfterError('(add --help for what there is)')
  .exitOverride()
  .addHelpText('after', '\nExit code: 0 done, 1 failed, 2 wrong usage.')

const COMMANDS = [
  ...[addStatus, addRetry, addReplay, addImport, addRejects],
  ...[addValidate, addFeeds, addDatasets, addQueries, addCleanup, addDoctor, addConsent],
]
for (const add of COMMANDS) add(program)

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : 2
}

// Once all is written, a sign-in that still waits for its answer must not keep the process alive.
process.stdout.write('', () => process.exit())
