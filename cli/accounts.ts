import { CATALOG } from '../src/core/catalog.ts'
import { isFailure } from '../src/core/failures.ts'
import { type Account, DEFAULT_ACCOUNT, type Feed } from '../src/core/feeds/feed.ts'
import { parseFeeds } from '../src/core/feeds/feeds.ts'
import type { InsightsClient } from '../src/services/insights/client.ts'
import type { Context } from './context.ts'

/** The service as one account sees it, with the feeds that use it. */
export type AccountView = { readonly name: string; readonly insights: InsightsClient; readonly feeds: readonly Feed[] }

/** The accounts of the feeds the app's next tick would read; an account nobody can sign in to is a problem. */
export async function openAccounts({ services }: Context): Promise<readonly AccountView[] | { problems: string[] }> {
  const file = parseFeeds((await services.readFeeds()).text, CATALOG)
  if ('problems' in file) return { problems: [...file.problems] }
  const names = new Set(file.feeds.map(({ account }) => account))
  if (names.size === 0) names.add(DEFAULT_ACCOUNT)
  const problems: string[] = []
  const views = [...names].flatMap((name): readonly AccountView[] => {
    const insights = services.insights(name, accountOf(file.accounts, name))
    if (!isFailure(insights)) return [{ name, insights, feeds: file.feeds.filter(({ account }) => account === name) }]
    problems.push(insights.message)
    return []
  })
  return problems.length > 0 ? { problems } : views
}

function accountOf(accounts: Readonly<Record<string, Account>>, name: string): Account {
  return accounts[name] ?? {}
}
