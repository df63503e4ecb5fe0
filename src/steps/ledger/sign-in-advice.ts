import { type Advice, isFailure, type SignInKind } from '../../core/failures.ts'
import { type Account, DEFAULT_AUTH } from '../../core/feeds/feed.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import { signInAdvice } from '../../core/status/accounts.ts'
import type { Services } from '../services.ts'

/** An account by its name, with what feeds.json says of it. */
export type NamedAccount = { readonly name: string; readonly account: Account }

/** How an account signs in; undefined where its settings are not complete. */
export function authOf(services: Services, { name, account }: NamedAccount): string | undefined {
  if (isFailure(services.insights(name, account))) return undefined
  return account.auth ?? services.settings.auths[name] ?? DEFAULT_AUTH
}

/** What a person does about the sign-in of an account, as `status` says it. */
export function adviceOnSignIn(services: Services, account: NamedAccount, kind: SignInKind): Advice {
  return signInAdvice(kind, account.name, authOf(services, account))
}

/** The account of a feed. */
export function accountOf({ feed, account }: FeedOutline): NamedAccount {
  return { name: feed.account, account }
}
