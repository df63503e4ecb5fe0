import type { Command } from 'commander'
import { type Failure, isFailure } from '../../src/core/failures.ts'
import { leftovers, type MadeThere, madeThere } from '../../src/steps/operator/leftovers.ts'
import { type AccountView, formerAccounts, listByAccount, type PrintedColumns } from '../accounts.ts'
import { addCommand, type CommonOptions, type LocalApp, withApp } from '../command.ts'
import type { CommandResult } from '../output.ts'

type Options = CommonOptions & { readonly all?: true; readonly yes?: true }
type Row = MadeThere & { readonly state: 'in use' | 'left over' | 'to go' | 'deleted' }

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
    .option('--all', 'also those that the app still needs: before you remove the app')
    .option('--yes', 'delete those that nothing needs any more, or all with --all')
    .action((options: Options) => withApp(options, (app) => (options.all ? removal(app, options) : tidy(app, options))))
}

/** Deletes only what nothing needs. */
function tidy(app: LocalApp, { yes }: Options): Promise<CommandResult> {
  return listByAccount(app, 'leftovers', COLUMNS, async ({ insights }) => {
    const found = await leftovers(app.services, insights)
    if (isFailure(found)) return found
    const stated = found.map((each): Row => ({ ...each, state: each.inUse ? 'in use' : 'left over' }))
    return deleteIf(yes === true, insights, stated, 'left over')
  })
}

/** Deletes everything, also of accounts that no feed uses any more. The ledger has no say: the app is about to go. */
async function removal(app: LocalApp, { yes }: Options): Promise<CommandResult> {
  const read = async ({ insights }: AccountView) => {
    const found = await madeThere(app.services, insights)
    if (isFailure(found)) return found
    const stated = found.map((each): Row => ({ ...each, state: 'to go' }))
    return deleteIf(yes === true, insights, stated, 'to go')
  }
  const result = await listByAccount(app, 'leftovers', COLUMNS, read, await formerAccounts(app))
  return yes ? result : { ...result, lines: [...result.lines, STILL_THERE] }
}

const STILL_THERE =
  'Nothing is deleted yet. Stop the app, or it makes anew what it needs; then type cleanup --all --yes'

/** Stops at the first failure to delete. A second run continues from there. */
async function deleteIf(
  isSure: boolean,
  insights: AccountView['insights'],
  found: readonly Row[],
  which: Row['state'],
): Promise<readonly Row[] | Failure> {
  const rows: Row[] = []
  for (const each of found) {
    const goes = isSure && each.state === which
    const failure = goes ? await remove(insights, each) : undefined
    if (failure) return failure
    rows.push(goes ? { ...each, state: 'deleted' } : each)
  }
  return rows
}

function remove(insights: AccountView['insights'], { kind, id }: MadeThere): Promise<Failure | undefined> {
  return kind === 'report' ? insights.deleteReport(id) : insights.deleteQuery(id)
}
