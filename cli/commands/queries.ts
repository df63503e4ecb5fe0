import type { Command } from 'commander'
import { isFailure } from '../../src/core/failures.ts'
import type { Feed } from '../../src/core/feeds/feed.ts'
import { queryName } from '../../src/core/ledger/remote-names.ts'
import type { Query } from '../../src/services/insights/client.ts'
import { type AccountView, listByAccount, type PrintedColumns } from '../accounts.ts'
import { addCommand, type CommonOptions, type LocalApp, withApp } from '../command.ts'

type Row = Query & { readonly feeds: readonly string[] }

const COLUMNS: PrintedColumns<Row & { readonly account: string }> = [
  ['account', ({ account }) => account],
  ['query', ({ queryId }) => queryId],
  ['type', ({ type = '-' }) => type],
  ['used by', ({ feeds }) => feeds.join(' ') || '-'],
  ['name', ({ name }) => name],
]

/** Lists the queries at the service, including system queries, with the feeds that use them. --json adds their texts. */
export function addQueries(program: Command): void {
  addCommand(program, 'queries', 'list the queries at the service, with the feeds that use them').action(
    (options: CommonOptions) =>
      withApp(options, (app) => listByAccount(app, 'queries', COLUMNS, (view) => read(app, view))),
  )
}

async function read({ settings }: LocalApp, { insights, feeds }: AccountView) {
  const queries = await insights.listQueries({ includeSystemQueries: true })
  if (isFailure(queries)) return queries
  return queries.map((query): Row => {
    const users = feeds.filter((feed) => uses(settings.deployment, feed, query))
    return { ...query, feeds: users.map(({ name }) => name) }
  })
}

function uses(deployment: string, feed: Feed, { queryId, name }: Query): boolean {
  if (feed.source.kind !== 'queryId') return name === queryName(deployment, feed)
  return feed.source.queryId.toLowerCase() === queryId.toLowerCase()
}
