import type { Command } from 'commander'
import { replay } from '../../src/steps/operator/replay.ts'
import { addCommand } from '../command.ts'
import { addChangeOptions, type ChangeOptions, changeWindows } from '../windows.ts'

type Options = ChangeOptions & { readonly archive?: string }

/** Lands windows again from their newest archives, without asking the service for a new report. */
export function addReplay(program: Command): void {
  const command = addCommand(program, 'replay [feed]', 'land windows again from their archives')
  addChangeOptions(command)
    .option('--archive <name>', 'another archive of the window than the one that the ledger names')
    .action((feed: string | undefined, options: Options) =>
      changeWindows(feed, options, ({ services }, name, window) => replay(services, name, window, options.archive)),
    )
}
