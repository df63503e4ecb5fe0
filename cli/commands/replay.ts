import type { Command } from 'commander'
import { replay } from '../../src/steps/operator/replay.ts'
import { addCommand, addWindowOptions } from '../command.ts'
import { type ChangeOptions, changeWindows } from '../each-window.ts'

/** Lands windows again from their newest archives, without a new report. */
export function addReplay(program: Command): void {
  const command = addCommand(program, 'replay [feed]', 'land windows again from their archives')
  addWindowOptions(command)
    .option('--feed <name>', 'the feed, where it is not the first argument')
    .action((feed: string | undefined, options: ChangeOptions) =>
      changeWindows(feed, options, ({ services }, name, window) => replay(services, name, window)),
    )
}
