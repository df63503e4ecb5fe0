/** What all endpoints share. */

import type { Dataset } from '../../src/core/catalog.ts'
import type { Faults } from './faults.ts'
import type { State } from './state.ts'

/**
 * What decides which datasets and columns the service offers: the documentation of a year, or a real answer of February
 * 2023.
 */
export const PROFILES = ['2021', '2023', 'observed'] as const

export type Profile = (typeof PROFILES)[number]

/** A request as it arrived. Nothing is left out, not even secrets: the simulator is a test tool. */
export type LoggedRequest = {
  /** By the simulator's clock. */
  readonly at: Date
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** Says what the request did that a client must never do. */
  readonly note?: string
}

/** What every endpoint works on: the state, the clock, and the options this simulator was started with. */
export type Service = {
  readonly state: State
  readonly profile: Profile
  /** What the service offers. */
  readonly datasets: readonly Dataset[]
  readonly seed: number
  /** Rows of each month or day. Without it the data maker decides. */
  readonly rows: number | undefined
  /** How long a report takes, from its creation to `Completed`. */
  readonly generationMilliseconds: number
  readonly origin: string
  readonly authority: string
  /** Files to serve instead of generated rows, by queryId. */
  readonly files: Map<string, Buffer>
  /** The file that each execution serves, by executionId: a file set later does not change an earlier report. */
  readonly pinned: Map<string, Buffer>
  /** Signatures of links that were made to expire early. */
  readonly expired: Set<string>
  readonly faults: Faults
  /** How often a fault of `token` was set: a token that was given out before the last one is revoked. */
  revocations: number
  readonly requests: LoggedRequest[]
  /** How many of them were calls of the API. Counted as they come: looking through all of them would slow down each call. */
  apiCalls: number
  now(): Date
  save(): void
}
