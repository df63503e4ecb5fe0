import type { Command } from 'commander'
import { acceptGap } from '../../src/steps/operator/accept-gap.ts'
import { addCommand } from '../command.ts'
import { addChangeOptions, type ChangeOptions, changeWindows } from '../windows.ts'

/** Lets `complete until` pass failed windows whose rows cannot be had. */
export function addAcceptGap(program: Command): void {
  const command = addCommand(program, 'accept-gap [feed]', 'let "complete until" pass failed windows without rows')
  addChangeOptions(command).action((feed: string | undefined, options: ChangeOptions) =>
    changeWindows(feed, options, ({ services }, name, window) => acceptGap(services, name, window)),
  )
}
