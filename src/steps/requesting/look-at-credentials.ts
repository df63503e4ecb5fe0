import { isFailure } from '../../core/failures.ts'
import { type CredentialsRow, credentialsRowKey } from '../../core/ledger/app-rows.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import { hasCome } from '../../core/ledger/wake.ts'
import { endingCredentials, nextLookMs } from '../../core/status/accounts.ts'
import { DAY_MS } from '../../core/time/durations.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'

/**
 * Looks up when what an account signs in with ends: once a day, and once an hour while something ends soon, so that a new
 * secret is seen. Notes it for `status`, and tells what ends soon once a day. A look that fails keeps what is known.
 */
export async function lookAtCredentials(
  services: Services,
  app: AppRows,
  account: string,
  rows: readonly FeedOutline[],
): Promise<void> {
  const { ledger, clock, expiry } = services
  const now = clock()
  const key = credentialsRowKey(account)
  const [stored, row] = [app.get(key), rows[0]]
  const known = stored?.value as Partial<CredentialsRow> | undefined
  const isDue = known?.nextAt === undefined || hasCome(new Date(known.nextAt), now, DAY_MS)
  if (!row || !isDue) return
  const found = await expiry(account, row.account)
  const credentials = isFailure(found)
    ? (known?.credentials ?? [])
    : found.map(({ what, expiresAt }) => ({ what, expiresAt: expiresAt.toISOString() }))
  const dated = credentials.map(({ what, expiresAt }) => ({ what, expiresAt: new Date(expiresAt) }))
  const nextAt = new Date(now.getTime() + nextLookMs(now, dated)).toISOString()
  await ledger.writeApp<CredentialsRow>(key, { nextAt, credentials }, stored?.etag)
  for (const { sentence, remedy, what } of endingCredentials(now, account, dated)) {
    const event = { event: 'credential.expiring', message: sentence, remedy } as const
    await tellOnce(services, `credential~${account}~${what}`, event, { account, what })
  }
}
