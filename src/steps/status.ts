import { type Failure, isFailure } from '../core/failures.ts'
import { isFeedName } from '../core/feeds/feed.ts'
import { hashJson } from '../core/hash.ts'
import {
  type CredentialsRow,
  credentialsRowKey,
  FEEDS_SOURCE_KEY,
  type FeedsSourceRow,
} from '../core/ledger/app-rows.ts'
import type { FeedOutline, RangedRow } from '../core/ledger/feed-row.ts'
import { isOutdated } from '../core/ledger/ledger.ts'
import { withKnownReach } from '../core/ledger/reach.ts'
import type { RangedFeed } from '../core/plan/feed-history.ts'
import type { KnownFeed } from '../core/plan/known-feed.ts'
import { present } from '../core/present.ts'
import type { Problem } from '../core/problems.ts'
import type { Credential } from '../core/status/accounts.ts'
import { type SeenFeed, seeFeed } from '../core/status/feed.ts'
import type { Status, WindowDetail } from '../core/status/fields.ts'
import { ledgerStatus } from '../core/status/status.ts'
import { windowDetail } from '../core/status/window.ts'
import { parseWindowId, windowId } from '../core/time/window.ts'
import type { AppRows } from '../services/storage/ledger.ts'
import { findFeed, knownFeed, readableFeeds } from './ledger/feed-row.ts'
import { accountOf, authOf } from './ledger/sign-in-advice.ts'
import { ticksIn } from './ledger/ticks.ts'
import { type PacingRow, pacingOf } from './requesting/pacing-row.ts'
import type { Services } from './services.ts'

/** Reads the ledger and says how it stands with the app and every feed. */
export async function status(services: Services): Promise<Status> {
  const { ledger, queue, clock, packagedFeeds, settings, version } = services
  await ledger.create()
  const app = await ledger.appRows()
  const now = clock()
  const feeds = await seeFeeds(services, readableFeeds(app), now)
  const accounts = accountsOf(app)
  const rows = readableFeeds(app)
  return ledgerStatus(now, {
    version,
    feeds,
    unreadable: [...app.feeds.values(), ...accounts.values()].filter(isFailure),
    accounts: [...accounts].flatMap(([name, row]) =>
      isFailure(row)
        ? []
        : [
            {
              name,
              auth: authOfAccount(services, rows, name),
              pacing: row.value,
              credentials: credentialsOf(app, name),
            },
          ],
    ),
    limits: settings.limits,
    ticks: ticksIn(app),
    periods: settings.periods,
    queue: await queue.look(),
    source: app.get(FEEDS_SOURCE_KEY)?.value as FeedsSourceRow | undefined,
    packagedHash: hashJson(await packagedFeeds()),
  })
}

/** Says all that the ledger knows of one window; a sentence where it knows none of that name, or cannot read it. */
export async function windowStatus(services: Services, feed: string, window: string): Promise<WindowDetail | Problem> {
  const { ledger, clock, version } = services
  const parsed = parseWindowId(window)
  if (!isFeedName(feed) || !parsed) return { problem: 'the address names no window: status/{feed}/{window id}' }
  await ledger.create()
  const stored = await ledger.read(feed, windowId(parsed))
  if (!stored) return { problem: `${feed} ${window} was never asked for` }
  if (isFailure(stored)) return { problem: stored.message }
  const row = await findFeed(services, feed)
  return windowDetail(clock(), version, stored.value, 'problem' in row ? undefined : withKnownReach(row, clock()))
}

/** So many feeds are read at once: the way to the storage takes longer than the work. Of each, only what is shown is kept. */
const AT_ONCE = 4

async function seeFeeds(services: Services, rows: readonly FeedOutline[], now: Date): Promise<readonly SeenFeed[]> {
  const { ledger } = services
  const seen: SeenFeed[] = []
  const left = rows.entries()
  const lane = async () => {
    for (const [at, row] of left) {
      const known = await knownFeed(row, ledger.overview(row.feed.name))
      seen[at] = seeFeed(now, await withRanges(services, known, now))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return seen
}

/** How far back the service has data says what of a feed can be asked for again, and is read where that is a question. */
async function withRanges(services: Services, known: KnownFeed, now: Date): Promise<RangedFeed> {
  const { row, entries } = known
  const isQuestion = entries.some((entry) => entry.state === 'failed' || isOutdated(entry, row.form))
  const stored = isQuestion ? await findFeed(services, row.feed.name) : undefined
  if (!stored || 'problem' in stored) return known
  const { ranges } = withKnownReach(stored, now)
  return { ...known, row: present<RangedRow>({ ...row, ranges }) }
}

function accountsOf(app: AppRows): ReadonlyMap<string, PacingRow | Failure> {
  const names = new Set(readableFeeds(app).map(({ feed }) => feed.account))
  return new Map([...names].map((name) => [name, pacingOf(app, name)]))
}

function authOfAccount(services: Services, rows: readonly FeedOutline[], name: string): string | undefined {
  const row = rows.find(({ feed }) => feed.account === name)
  return row && authOf(services, accountOf(row))
}

/** What was last looked up of the credentials of an account. */
function credentialsOf(app: AppRows, account: string): readonly Credential[] {
  const row = app.get(credentialsRowKey(account))?.value as Partial<CredentialsRow> | undefined
  return (row?.credentials ?? []).map(({ what, expiresAt }) => ({ what, expiresAt: new Date(expiresAt) }))
}
