import type { Command } from 'commander'
import { type Failure, isFailure } from '../../src/core/failures.ts'
import { type Leftover, leftovers } from '../../src/steps/operator/leftovers.ts'
import type { AccountView } from '../accounts.ts'
import { addCommand } from '../command.ts'
import { type CommonOptions, type Context, withContext } from '../context.ts'
import { type Columns, listOfAccounts } from '../each-account.ts'

type Options = CommonOptions & { readonly yes?: true }
type Row = Leftover & { readonly state: 'in use' | 'left over' | 'deleted' }

const COLUMNS: Columns<Row & { readonly account: string }> = [
  ['account', ({ account }) => account],
  ['kind', ({ kind }) => kind],
  ['id', ({ id }) => id],
  ['state', ({ state }) => state],
  ['name', ({ name }) => name],
]

/** Shows what this deployment left at the service; with --yes deletes what nothing needs any more. */
export function addCleanup(program: Command): void {
  addCommand(program, 'cleanup', 'what this deployment left at the service')
    .option('--yes', 'delete what is left over; without it nothing is deleted')
    .action((options: Options) =>
      withContext(options, (context) =>
        listOfAccounts(context, 'leftovers', COLUMNS, (view) => cleanUp(context, view, options.yes === true)),
      ),
    )
}

/** What can't be deleted ends it, and is named; a second run goes on from there. */
async function cleanUp({ services }: Context, { insights }: AccountView, isSure: boolean) {
  const found = await leftovers(services, insights)
  if (isFailure(found)) return found
  const rows: Row[] = []
  for (const each of found) {
    const failure = isSure && !each.inUse ? await remove(insights, each) : undefined
    if (failure) return failure
    rows.push({ ...each, state: stateOf(each, isSure) })
  }
  return rows
}

function remove(insights: AccountView['insights'], { kind, id }: Leftover): Promise<Failure | undefined> {
  return kind === 'report' ? insights.deleteReport(id) : insights.deleteQuery(id)
}

function stateOf({ inUse }: Leftover, isSure: boolean): Row['state'] {
  if (inUse) return 'in use'
  return isSure ? 'deleted' : 'left over'
}
