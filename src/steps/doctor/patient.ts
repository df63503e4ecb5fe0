import type { Failure } from '../../core/failures.ts'
import type { Account, Feed } from '../../core/feeds/feed.ts'
import type { Expiry } from '../../services/sign-in/expiry.ts'
import type { Services } from '../services.ts'
import type { StorageProbe } from './storage.ts'

/** What the doctor looks at besides the app's own parts. */
export type DoctorMeans = {
  readonly services: Services
  readonly insightsBaseUrl: string
  readonly storage: readonly StorageProbe[]
  /** When what an account signs in with ends, as far as that is known. */
  readonly expiry: (name: string, account: Account) => Promise<readonly Expiry[] | Failure>
  /** What a person should know of a sign-in that works. */
  readonly signInWarning: (name: string, account: Account) => string | undefined
  /** No check takes longer. */
  readonly limitMs: number
}

/** The patient: the feeds as the next tick would read them. */
export type Patient = {
  readonly means: DoctorMeans
  readonly feeds: readonly Feed[]
  readonly accounts: Readonly<Record<string, Account>>
  /** Whether storage answered: without it nothing is known of the ledger. */
  readonly hasStorage: boolean
}
