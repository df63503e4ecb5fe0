import type { Command } from 'commander'
import { acceptGap } from '../../src/steps/operator/accept-gap.ts'
import { addCommand } from '../command.ts'
import { addWindowOptions, type ChangeOptions, changeWindows } from '../windows.ts'

/** Lets `complete until` pass failed windows whose rows cannot be had. */
export function addAcceptGap(program: Command): void {
  const command = addCommand(program, 'accept-gap [feed]', 'let "complete until" pass failed windows without rows')
  addWindowOptions(command)
    .option('--feed <name>', 'the feed, if it is not the first argument')
    .action((feed: string | undefined, options: ChangeOptions) =>
      changeWindows(feed ?? options.feed, options, ({ services }, name, window) => acceptGap(services, name, window)),
    )
}
