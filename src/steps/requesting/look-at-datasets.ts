import { isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import type { FeedOutline, FeedRow } from '../../core/ledger/feed-row.ts'
import { isReachOffered, type OfferedDataset, offerOf, withOffer } from '../../core/ledger/offer.ts'
import { isLookDue, restsFromLook, withLookBegun } from '../../core/plan/look.ts'
import { noteOffer } from '../ledger/feed-row.ts'
import type { Services } from '../services.ts'
import type { AccountInTick } from './account-in-tick.ts'
import { noteLook, type PacingRow, writePacing } from './pacing-row.ts'

/**
 * Looks once a day at all datasets that the service lists, and compares them with what each enabled feed of the account uses.
 * Gives them where they were read now. A look that fails stops nothing and comes again in an hour.
 */
export async function lookOnceADay(
  services: Services,
  account: string,
  pacing: PacingRow,
  rows: readonly FeedOutline[],
): Promise<readonly OfferedDataset[] | undefined> {
  // Before its query is registered a feed uses nothing.
  const using = rows.filter(({ feed, query }) => feed.enabled && query)
  if (using.length === 0) return undefined
  const seen = using.map(({ since }) => Date.parse(since))
  const isDue = isLookDue(pacing.value, new Date(Math.min(...seen)), services.clock())
  return isDue ? look(services, account, pacing, rows) : undefined
}

/**
 * The row of a feed with ranges that were read in this tick: what was read before must end no window. Undefined where the
 * service does not say them now; it is asked at most once in a tick, and again an hour later.
 */
export async function withFreshRanges(
  services: Services,
  tick: AccountInTick,
  row: FeedRow,
): Promise<FeedRow | undefined> {
  const { name, pacing, feeds } = tick
  const now = services.clock()
  if (!tick.datasets && !restsFromLook(pacing.value, now)) {
    tick.datasets = (await look(services, name, pacing, feeds, row.feed)) ?? []
  }
  const { datasets = [] } = tick
  return isReachOffered(row.feed, datasets) ? withOffer(row, datasets, now) : undefined
}

/**
 * Of two instances that begin at once, one looks. What could not be read of a feed's dataset, or that the service does not say
 * how far back it has data for the feed that waits for it (`needed`), makes the next look come in an hour.
 */
async function look(
  services: Services,
  account: string,
  pacing: PacingRow,
  rows: readonly FeedOutline[],
  needed?: Pick<Feed, 'dataset'>,
): Promise<readonly OfferedDataset[] | undefined> {
  const { clock } = services
  const enabled = rows.filter(({ feed }) => feed.enabled)
  const [first] = enabled
  const insights = first && services.insights(account, first.account)
  if (!insights || isFailure(insights)) return undefined
  if (!(await writePacing(services, account, pacing, withLookBegun(pacing.value, clock())))) return undefined
  const datasets = await insights.offeredDatasets()
  if (isFailure(datasets)) return undefined
  for (const { feed } of enabled) await noteOffer(services, feed.name, datasets)
  const isWhole = enabled.every(({ feed }) => offerOf(feed, datasets) !== undefined)
  const isFound = !needed || isReachOffered(needed, datasets)
  if (isWhole && isFound) await noteLook(services, account, pacing)
  return datasets
}
