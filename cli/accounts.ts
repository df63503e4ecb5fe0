import { CATALOG } from '../src/core/catalog.ts'
import { adviceText, type Failure, isFailure, isOfSignIn } from '../src/core/failures.ts'
import { DEFAULT_ACCOUNT, type Feed } from '../src/core/feeds/feed.ts'
import { parseEachFeed } from '../src/core/feeds/feeds.ts'
import type { Problems } from '../src/core/problems.ts'
import type { InsightsClient } from '../src/services/insights/client.ts'
import { readableFeeds } from '../src/steps/ledger/feed-row.ts'
import { adviceOnSignIn, type NamedAccount } from '../src/steps/ledger/sign-in-advice.ts'
import type { LocalApp } from './command.ts'
import { type CommandResult, refused, table } from './output.ts'

/** The service as one account sees it, and the feeds that use the account. */
export type AccountView = NamedAccount & { readonly insights: InsightsClient; readonly feeds: readonly Feed[] }

/** The columns of a printed table. Each has a heading and gives the text of its cell in a row. */
export type PrintedColumns<R> = readonly (readonly [heading: string, cell: (row: R) => string])[]

/**
 * Lists what `read` finds for each account, as a table or as JSON under `name`. An account that cannot be read goes
 * to standard error and makes the exit code 1. The other accounts are still listed. `former`: accounts that the app asked with at
 * some time, as feeds.json said them then, which are read as well.
 */
export async function listByAccount<R extends object>(
  app: LocalApp,
  name: string,
  columns: PrintedColumns<R & { readonly account: string }>,
  read: (view: AccountView) => Promise<readonly R[] | Failure>,
  former: readonly NamedAccount[] = [],
): Promise<CommandResult> {
  const views = await openAccounts(app)
  if ('problems' in views) return refused(views.problems)
  const rows: (R & { readonly account: string })[] = []
  const problems: string[] = []
  const others = former.filter((other) => views.every((view) => view.name !== other.name))
  const opened = others.map((account) => ({ account, view: openFormer(app, account) }))
  for (const { account, view } of [...views.map((each) => ({ account: each, view: each })), ...opened]) {
    const found = isFailure(view) ? view : await read(view)
    if (isFailure(found)) problems.push(problemOf(app, account, found))
    else for (const row of found) rows.push({ account: account.name, ...row })
  }
  const heads = columns.map(([heading]) => heading)
  const cells = rows.map((row) => columns.map(([, cell]) => cell(row)))
  // Where an account could not be read, nobody knows that there are none.
  const none = problems.length === 0 ? [`no ${name}`] : []
  const lines = rows.length === 0 ? none : table(heads, cells)
  return { exitCode: problems.length === 0 ? 0 : 1, json: { [name]: rows, problems }, lines, problems }
}

/** The accounts of all feeds that the app has ever read, also of those that have left feeds.json. */
export async function formerAccounts({ services: { ledger } }: LocalApp): Promise<readonly NamedAccount[]> {
  await ledger.create()
  const rows = readableFeeds(await ledger.appRows())
  const byName = new Map(rows.map(({ feed, account }) => [feed.account, { name: feed.account, account }]))
  return [...byName.values()]
}

function openFormer({ services }: LocalApp, { name, account }: NamedAccount): AccountView | Failure {
  const insights = services.insights(name, account)
  return isFailure(insights) ? insights : { name, account, insights, feeds: [] }
}

/** Why an account cannot be read. Of a sign-in that is refused, what a person does about it as well. */
export function problemOf({ services }: LocalApp, account: NamedAccount, failure: Failure): string {
  if (!isOfSignIn(failure)) return failure.message
  return `${failure.message}. ${adviceText(adviceOnSignIn(services, account, failure.kind))}`
}

/** Opens the accounts of the feeds that the app would read now. An account without a sign-in is a problem. */
export async function openAccounts(app: LocalApp): Promise<readonly AccountView[] | Problems> {
  const { services } = app
  const { text, source } = await services.readFeeds()
  const file = parseEachFeed(text, CATALOG, source === 'package' ? services.packagedName : undefined)
  if ('problems' in file) return file
  const names = new Set(file.feeds.map(({ account }) => account))
  if (names.size === 0) names.add(DEFAULT_ACCOUNT)
  const views: AccountView[] = []
  const problems: string[] = []
  for (const name of names) {
    const account = file.accounts[name] ?? {}
    const insights = services.insights(name, account)
    if (isFailure(insights)) problems.push(problemOf(app, { name, account }, insights))
    else views.push({ name, account, insights, feeds: file.feeds.filter(({ account }) => account === name) })
  }
  return problems.length > 0 ? { problems } : views
}
