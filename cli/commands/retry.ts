import type { Command } from 'commander'
import { retry } from '../../src/steps/operator/retry.ts'
import { askForDue } from '../../src/steps/provision.ts'
import { addCommand } from '../command.ts'
import { addChangeOptions, type ChangeOptions, changeWindows } from '../windows.ts'

type Options = ChangeOptions & { readonly acceptEmpty?: true; readonly now?: true }

/** Makes the app ask the service for windows again, at its next tick. */
export function addRetry(program: Command): void {
  const command = addCommand(program, 'retry [feed]', 'ask the service for landed or failed windows again')
  addChangeOptions(command)
    .option('--accept-empty', 'let a report without rows replace the landed rows')
    .option('--now', 'ask at once, with all else that is due, instead of at the next tick')
    .action((feed: string | undefined, options: Options) =>
      changeWindows(
        feed,
        options,
        ({ services }, name, window) => retry(services, name, window, options.acceptEmpty === true),
        async ({ services }) => void (options.now && (await askForDue(services))),
      ),
    )
}
