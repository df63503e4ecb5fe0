import type { Command } from 'commander'
import { isFailure } from '../../src/core/failures.ts'
import type { Feed } from '../../src/core/feeds/feed.ts'
import { queryName } from '../../src/core/ledger/remote-names.ts'
import type { Query } from '../../src/services/insights/client.ts'
import type { AccountView } from '../accounts.ts'
import { addCommand } from '../command.ts'
import { type CommonOptions, type Context, withContext } from '../context.ts'
import { type Columns, listOfAccounts } from '../each-account.ts'

type Row = Query & { readonly feeds: readonly string[] }

const COLUMNS: Columns<Row & { readonly account: string }> = [
  ['account', ({ account }) => account],
  ['query', ({ queryId }) => queryId],
  ['type', ({ type = '-' }) => type],
  ['used by', ({ feeds }) => feeds.join(' ') || '-'],
  ['name', ({ name }) => name],
]

/** The queries the service has stored, its own ones too, next to the feeds that use them; with --json their texts. */
export function addQueries(program: Command): void {
  addCommand(program, 'queries', 'the queries the service has, and the feeds that use them').action(
    (options: CommonOptions) =>
      withContext(options, (context) => listOfAccounts(context, 'queries', COLUMNS, (view) => read(context, view))),
  )
}

async function read({ settings }: Context, { insights, feeds }: AccountView) {
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
