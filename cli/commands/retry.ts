import type { Command } from 'commander'
import { isFailure } from '../../src/core/failures.ts'
import type { State } from '../../src/core/ledger/ledger.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { askForDue } from '../../src/steps/provision.ts'
import { addCommand, type LocalApp } from '../command.ts'
import { addChangeOptions, type Changed, type ChangeOptions, changeWindows } from '../windows.ts'

type Retried = { readonly state: State }
type Options = ChangeOptions & { readonly acceptEmpty?: true; readonly now?: true }

/** Makes the app ask the service for windows again, at its next tick. */
export function addRetry(program: Command): void {
  const command = addCommand(program, 'retry [feed]', 'ask the service for landed or failed windows again')
  addChangeOptions(command)
    .option('--accept-empty', 'let a report without rows replace the landed rows')
    .option('--now', 'ask at once, with all else that is due, instead of at the next tick')
    .action((feed: string | undefined, options: Options) =>
      changeWindows<Retried>(
        feed,
        options,
        ({ services }, name, window) => retry(services, name, window, options.acceptEmpty === true),
        options.now && askNow,
      ),
    )
}

/** Asks for what is due, and gives the states of the windows afterwards. What the quota leaves for later stays planned. */
async function askNow({ services }: LocalApp, feed: string, changed: readonly Changed<Retried>[]) {
  await askForDue(services)
  return Promise.all(
    changed.map(async (each) => {
      const stored = 'problem' in each ? undefined : await services.ledger.read(feed, each.window)
      return stored && !isFailure(stored) ? { ...each, state: stored.value.state } : each
    }),
  )
}
