import type { Command } from 'commander'
import { type Failure, isFailure } from '../../src/core/failures.ts'
import { type Leftover, leftovers } from '../../src/steps/operator/leftovers.ts'
import { type AccountView, listByAccount, type PrintedColumns } from '../accounts.ts'
import { addCommand, type CommonOptions, type LocalApp, withApp } from '../command.ts'

type Options = CommonOptions & { readonly yes?: true }
type Row = Leftover & { readonly state: 'in use' | 'left over' | 'deleted' }

const COLUMNS: PrintedColumns<Row & { readonly account: string }> = [
  ['account', ({ account }) => account],
  ['kind', ({ kind }) => kind],
  ['id', ({ id }) => id],
  ['state', ({ state }) => state],
  ['name', ({ name }) => name],
]

/** Lists the reports and queries that this deployment left at the service. With --yes, deletes those that nothing needs. */
export function addCleanup(program: Command): void {
  addCommand(program, 'cleanup', 'list the reports and queries that this deployment left at the service')
    .option('--yes', 'delete those that nothing needs any more')
    .action((options: Options) =>
      withApp(options, (app) =>
        listByAccount(app, 'leftovers', COLUMNS, (view) => cleanUp(app, view, options.yes === true)),
      ),
    )
}

/** Stops at the first failure to delete. A second run continues from there. */
async function cleanUp({ services }: LocalApp, { insights }: AccountView, isSure: boolean) {
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
