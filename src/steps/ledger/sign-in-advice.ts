import { type Advice, isFailure, type SignInKind } from '../../core/failures.ts'
import { DEFAULT_AUTH } from '../../core/feeds/feed.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import { signInAdvice } from '../../core/status/accounts.ts'
import type { Services } from '../services.ts'

/** How the account of a feed signs in; undefined where its settings are not complete. */
export function authOf(services: Services, { feed, account }: FeedOutline): string | undefined {
  if (isFailure(services.insights(feed.account, account))) return undefined
  return account.auth ?? services.settings.auths[feed.account] ?? DEFAULT_AUTH
}

/** What a person does about the sign-in of a feed's account, as `status` says it of the account. */
export function adviceOnSignIn(services: Services, row: FeedOutline, kind: SignInKind): Advice {
  return signInAdvice(kind, row.feed.account, authOf(services, row))
}
