import type { Command } from 'commander'
import { CATALOG, findDataset } from '../../src/core/catalog.ts'
import { failed, isFailure } from '../../src/core/failures.ts'
import { isSameName, nearest, quoted } from '../../src/core/names.ts'
import type { LiveDataset } from '../../src/services/insights/client.ts'
import { type AccountView, listByAccount, type PrintedColumns } from '../accounts.ts'
import { addCommand, type CommonOptions, withApp } from '../command.ts'
import { type DescribedColumn, describeColumns } from '../datasets/columns.ts'

type Row = LiveDataset & { readonly feeds: readonly string[] }

const COLUMNS: PrintedColumns<Row & { readonly account: string }> = [
  ['account', ({ account }) => account],
  ['dataset', ({ name }) => name],
  ['columns', ({ columns }) => String(columns.length)],
  ['metrics', ({ metrics }) => String(metrics.length)],
  ['ranges', ({ ranges }) => ranges.join(' ') || '-'],
  ['used by', ({ feeds }) => feeds.join(' ') || '-'],
]

const COLUMNS_OF_ONE: PrintedColumns<DescribedColumn & { readonly account: string }> = [
  ['account', ({ account }) => account],
  ['column', ({ column }) => column],
  ['type', ({ type }) => type],
  ['offered', ({ offered }) => (offered ? 'yes' : 'no')],
  ['meaning', toldOf],
]

/**
 * Lists the datasets that the service offers, with the feeds that use them; --json adds every column and metric. With a
 * dataset, lists its columns and metrics with type and meaning.
 */
export function addDatasets(program: Command): void {
  addCommand(program, 'datasets [dataset]', 'list the datasets that the service offers, or the columns of one').action(
    (dataset: string | undefined, options: CommonOptions) =>
      withApp(options, (app) =>
        dataset === undefined
          ? listByAccount(app, 'datasets', COLUMNS, readAll)
          : listByAccount(app, 'columns', COLUMNS_OF_ONE, (view) => readOne(view, dataset)),
      ),
  )
}

async function readAll({ insights, feeds }: AccountView) {
  const datasets = await insights.listDatasets()
  if (isFailure(datasets)) return datasets
  return datasets.map((live): Row => {
    const name = spelled(live.name)
    const users = feeds.filter(({ dataset }) => isSameName(dataset, name))
    return { ...live, feeds: users.map(({ name }) => name) }
  })
}

async function readOne({ insights }: AccountView, wanted: string) {
  const datasets = await insights.listDatasets()
  if (isFailure(datasets)) return datasets
  const known = findDataset(CATALOG, wanted)
  const live = datasets.find(({ name }) => isSameName(spelled(name), known?.name ?? wanted))
  if (known || live) return describeColumns(known, live)
  const names = new Set([...CATALOG.map(({ name }) => name), ...datasets.map(({ name }) => spelled(name))])
  const near = nearest(wanted, [...names])
  const hint = near === undefined ? '"datasets" lists all' : `the nearest is ${near}; "datasets" lists all`
  return failed('query-refused', `neither the catalogue nor the service has a dataset ${quoted([wanted])}: ${hint}`)
}

/** The catalogue's spelling of a dataset's name. */
function spelled(name: string): string {
  return findDataset(CATALOG, name)?.name ?? name.trim()
}

function toldOf({ kind, meaning, personal, notAdditive }: DescribedColumn): string {
  const notes = [
    ...(kind === 'metric' ? [notAdditive ? 'metric, not to be added up' : 'metric'] : []),
    ...(personal ? ['personal'] : []),
  ]
  return [...(meaning === '' ? [] : [meaning]), ...(notes.length > 0 ? [`(${notes.join(', ')})`] : [])].join(' ')
}
