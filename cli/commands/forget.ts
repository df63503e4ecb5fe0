import type { Command } from 'commander'
import { forget } from '../../src/steps/operator/forget.ts'
import { addCommand } from '../command.ts'
import { addChangeOptions, type ChangeOptions, changeWindows } from '../windows.ts'

/** Takes windows out of the ledger and the table, so that the app asks for them anew. */
export function addForget(program: Command): void {
  const command = addCommand(program, 'forget [feed]', 'take windows out of ledger and table, to ask for them anew')
  addChangeOptions(command).action((feed: string | undefined, options: ChangeOptions) =>
    changeWindows(feed, options, ({ services }, name, window) => forget(services, name, window)),
  )
}
