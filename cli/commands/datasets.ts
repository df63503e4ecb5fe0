import type { Command } from 'commander'
import { CATALOG, findDataset } from '../../src/core/catalog.ts'
import { isFailure } from '../../src/core/failures.ts'
import type { LiveDataset } from '../../src/services/insights/client.ts'
import type { AccountView } from '../accounts.ts'
import { addCommand } from '../command.ts'
import { type CommonOptions, withContext } from '../context.ts'
import { type Columns, listOfAccounts } from '../each-account.ts'

type Row = LiveDataset & { readonly feeds: readonly string[] }

const COLUMNS: Columns<Row & { readonly account: string }> = [
  ['account', ({ account }) => account],
  ['dataset', ({ name }) => name],
  ['columns', ({ columns }) => String(columns.length)],
  ['metrics', ({ metrics }) => String(metrics.length)],
  ['ranges', ({ ranges }) => ranges.join(' ') || '-'],
  ['used by', ({ feeds }) => feeds.join(' ') || '-'],
]

/** What the service offers, next to the feeds that use it; with --json every column and metric. */
export function addDatasets(program: Command): void {
  addCommand(program, 'datasets', 'the datasets the service offers, and the feeds that use them').action(
    (options: CommonOptions) => withContext(options, (context) => listOfAccounts(context, 'datasets', COLUMNS, read)),
  )
}

async function read({ insights, feeds }: AccountView) {
  const datasets = await insights.listDatasets()
  if (isFailure(datasets)) return datasets
  return datasets.map((live): Row => {
    const name = live.name.trim()
    const spelling = findDataset(CATALOG, name)?.name ?? name
    const users = feeds.filter(({ dataset }) => dataset.toLowerCase() === spelling.toLowerCase())
    return { ...live, feeds: users.map(({ name }) => name) }
  })
}
