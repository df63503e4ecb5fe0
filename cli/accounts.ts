import { CATALOG } from '../src/core/catalog.ts'
import { type Failure, isFailure } from '../src/core/failures.ts'
import { DEFAULT_ACCOUNT, type Feed } from '../src/core/feeds/feed.ts'
import { parseEachFeed } from '../src/core/feeds/feeds.ts'
import type { Problems } from '../src/core/problems.ts'
import type { InsightsClient } from '../src/services/insights/client.ts'
import type { LocalApp } from './command.ts'
import { type CommandResult, refused, table } from './output.ts'

/** The service as one account sees it, and the feeds that use the account. */
export type AccountView = { readonly name: string; readonly insights: InsightsClient; readonly feeds: readonly Feed[] }

/** The columns of a printed table. Each has a heading and gives the text of its cell in a row. */
export type PrintedColumns<R> = readonly (readonly [heading: string, cell: (row: R) => string])[]

/**
 * Lists what `read` finds for each account, as a table or as JSON under `name`. An account that cannot be read goes
 * to standard error and makes the exit code 1. The other accounts are still listed.
 */
export async function listByAccount<R extends object>(
  app: LocalApp,
  name: string,
  columns: PrintedColumns<R & { readonly account: string }>,
  read: (view: AccountView) => Promise<readonly R[] | Failure>,
): Promise<CommandResult> {
  const views = await openAccounts(app)
  if ('problems' in views) return refused(views.problems)
  const rows: (R & { readonly account: string })[] = []
  const problems: string[] = []
  for (const view of views) {
    const found = await read(view)
    if (isFailure(found)) problems.push(found.message)
    else for (const row of found) rows.push({ account: view.name, ...row })
  }
  const heads = columns.map(([heading]) => heading)
  const cells = rows.map((row) => columns.map(([, cell]) => cell(row)))
  // Where an account could not be read, nobody knows that there are none.
  const none = problems.length === 0 ? [`no ${name}`] : []
  const lines = rows.length === 0 ? none : table(heads, cells)
  return { exitCode: problems.length === 0 ? 0 : 1, json: { [name]: rows, problems }, lines, problems }
}

/** Opens the accounts of the feeds that the app would read now. An account without a sign-in is a problem. */
export async function openAccounts({ services }: LocalApp): Promise<readonly AccountView[] | Problems> {
  const file = parseEachFeed((await services.readFeeds()).text, CATALOG)
  if ('problems' in file) return file
  const names = new Set(file.feeds.map(({ account }) => account))
  if (names.size === 0) names.add(DEFAULT_ACCOUNT)
  const views: AccountView[] = []
  const problems: string[] = []
  for (const name of names) {
    const insights = services.insights(name, file.accounts[name] ?? {})
    if (isFailure(insights)) problems.push(insights.message)
    else views.push({ name, insights, feeds: file.feeds.filter(({ account }) => account === name) })
  }
  return problems.length > 0 ? { problems } : views
}
