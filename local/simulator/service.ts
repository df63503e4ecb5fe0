import type { Faults } from './faults.ts'
import type { State } from './state.ts'

/** Which year's documentation decides the columns the service offers. */
export type Profile = '2021' | '2023'

/** A request as it came in. Nothing is left out of it: the simulator is a test tool. */
export type LoggedRequest = {
  /** By the simulator's clock. */
  readonly at: Date
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** Set where the request did what a client must never do. */
  readonly note?: string
}

/** What every endpoint works on: the state, the clock and how this simulator was started. */
export type Service = {
  readonly state: State
  readonly profile: Profile
  readonly seed: number
  /** Rows of each month or day; without it the data maker decides. */
  readonly rows: number | undefined
  readonly generationMilliseconds: number
  readonly origin: string
  readonly authority: string
  /** Files to serve instead of made rows, by queryId. */
  readonly files: Map<string, Buffer>
  /** The file each execution was created under, by executionId: a later file does not change an earlier report. */
  readonly pinned: Map<string, Buffer>
  /** Signatures of links that were made to expire early. */
  readonly expired: Set<string>
  readonly faults: Faults
  readonly requests: LoggedRequest[]
  now(): Date
  save(): void
}
