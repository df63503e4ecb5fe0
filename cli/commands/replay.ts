import type { Command } from 'commander'
import { replay } from '../../src/steps/operator/replay.ts'
import { addCommand } from '../command.ts'
import { addWindowOptions, type ChangeOptions, changeWindows } from '../windows.ts'

/** Lands windows again from their newest archives, without asking the service for a new report. */
export function addReplay(program: Command): void {
  const command = addCommand(program, 'replay [feed]', 'land windows again from their archives')
  addWindowOptions(command)
    .option('--feed <name>', 'the feed, if it is not the first argument')
    .action((feed: string | undefined, options: ChangeOptions) =>
      changeWindows(feed ?? options.feed, options, ({ services }, name, window) => replay(services, name, window)),
    )
}
