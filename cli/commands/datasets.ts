import type { Command } from 'commander'
import { CATALOG, findDataset } from '../../src/core/catalog.ts'
import { isFailure } from '../../src/core/failures.ts'
import { isSameName } from '../../src/core/names.ts'
import type { LiveDataset } from '../../src/services/insights/client.ts'
import { type AccountView, listByAccount, type PrintedColumns } from '../accounts.ts'
import { addCommand, type CommonOptions, withApp } from '../command.ts'

type Row = LiveDataset & { readonly feeds: readonly string[] }

const COLUMNS: PrintedColumns<Row & { readonly account: string }> = [
  ['account', ({ account }) => account],
  ['dataset', ({ name }) => name],
  ['columns', ({ columns }) => String(columns.length)],
  ['metrics', ({ metrics }) => String(metrics.length)],
  ['ranges', ({ ranges }) => ranges.join(' ') || '-'],
  ['used by', ({ feeds }) => feeds.join(' ') || '-'],
]

/** Lists the datasets that the service offers, with the feeds that use them. --json adds every column and metric. */
export function addDatasets(program: Command): void {
  addCommand(program, 'datasets', 'list the datasets that the service offers, with the feeds that use them').action(
    (options: CommonOptions) => withApp(options, (app) => listByAccount(app, 'datasets', COLUMNS, read)),
  )
}

async function read({ insights, feeds }: AccountView) {
  const datasets = await insights.listDatasets()
  if (isFailure(datasets)) return datasets
  return datasets.map((live): Row => {
    const name = live.name.trim()
    const spelling = findDataset(CATALOG, name)?.name ?? name
    const users = feeds.filter(({ dataset }) => isSameName(dataset, spelling))
    return { ...live, feeds: users.map(({ name }) => name) }
  })
}
