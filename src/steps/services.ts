import type { AppEvent } from '../core/events.ts'
import type { Failure } from '../core/failures.ts'
import type { Account } from '../core/feeds/feed.ts'
import type { Credential } from '../core/status/accounts.ts'
import type { InsightsClient } from '../services/insights/client.ts'
import type { Archive } from '../services/storage/archive.ts'
import type { FeedsText } from '../services/storage/feeds-file.ts'
import type { LandingTable } from '../services/storage/landing-table.ts'
import type { Ledger } from '../services/storage/ledger.ts'
import type { PublishedFiles } from '../services/storage/published-files.ts'
import type { WorkQueue } from '../services/storage/work-queue.ts'
import type { StepSettings } from '../settings/settings.ts'

/** All that a step may touch. */
export type Services = {
  /** The version of the app. */
  readonly version: string
  readonly settings: StepSettings
  readonly ledger: Ledger
  readonly archive: Archive
  readonly publishedFiles: PublishedFiles
  readonly queue: WorkQueue
  readonly readFeeds: () => Promise<FeedsText>
  /** What messages call the packaged feeds: a command takes a file of any name for them. */
  readonly packagedName: string
  /** The feeds.json that was deployed with the app. */
  readonly packagedFeeds: () => Promise<string>
  readonly landingTable: (table: string) => LandingTable
  /** The service as one account sees it; a failure where its sign-in is not set up. */
  readonly insights: (name: string, account: Account) => InsightsClient | Failure
  /** When the secrets and the consent of an account end, as far as that is known. */
  readonly expiry: (name: string, account: Account) => Promise<readonly Credential[] | Failure>
  readonly clock: () => Date
  readonly newId: () => string
  readonly emit: (event: AppEvent) => void
}
