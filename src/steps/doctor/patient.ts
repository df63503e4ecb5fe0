import type { Account, Feed } from '../../core/feeds/feed.ts'
import type { Services } from '../services.ts'
import type { StorageProbe } from './storage.ts'

/** The services of the app, and what else the doctor needs. */
export type DoctorMeans = {
  readonly services: Services
  readonly insightsBaseUrl: string
  readonly storage: readonly StorageProbe[]
  /** How an account signs in, and a warning about a sign-in that works. Undefined where its settings are not complete. */
  readonly signIn: (
    name: string,
    account: Account,
  ) => { readonly auth: string; readonly warning: string | undefined } | undefined
  /** The longest that one check may take. */
  readonly limitMs: number
}

/** What the doctor checks: the app, and the feeds as the next tick would read them. */
export type Patient = {
  readonly means: DoctorMeans
  readonly feeds: readonly Feed[]
  readonly accounts: Readonly<Record<string, Account>>
  /** Whether storage answered. Without it, the ledger is unknown. */
  readonly hasStorage: boolean
}
