/** The objects of the service, and the file that keeps them over a restart. */

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Restatement } from './restate.ts'
import type { Effect } from './switches.ts'

/** A query, as the service answers it. */
export type Query = {
  readonly queryId: string
  readonly name: string
  readonly description: string | null
  readonly query: string
  readonly type: 'userDefined' | 'system'
  readonly user: string
  readonly createdTime: string
  readonly modifiedTime: string | null
}

/** A report with all that the service knows of it. Its answers leave out the query times, `deleted` and `paused`. */
export type Report = {
  readonly reportId: string
  readonly reportName: string
  readonly description: string | null
  readonly queryId: string
  readonly query: string
  readonly user: string
  readonly createdTime: string
  readonly modifiedTime: string | null
  readonly executeNow: boolean
  readonly startTime: string | null
  /** In hours. */
  readonly recurrenceInterval: number | null
  readonly recurrenceCount: number | null
  readonly callbackUrl: string | null
  readonly callbackMethod: 'GET' | 'POST'
  readonly format: 'csv' | 'tsv'
  readonly queryStartTime: string | null
  readonly queryEndTime: string | null
  /** The API does not show a deleted report. It stays here so that a test can still ask what it served. */
  readonly deleted: boolean
  readonly paused: boolean
}

/** One run of a report. Its status follows from the clock. Instants are ISO 8601 with milliseconds. */
export type Execution = {
  readonly executionId: string
  readonly reportId: string
  readonly queuedAt: string
  readonly readyAt: string
  /** Whether the callback for its completion was sent. */
  readonly announced: boolean
  /** The switches that were on for this report and its callback when it was created. */
  readonly faults: readonly Effect[]
  /** How many restatements there were before it. */
  readonly restatements: number
  /** Set when its file was replaced during a download. */
  readonly replaced?: true
}

/** The newest version of a Key Vault secret. Instants are in seconds since 1970. */
export type Secret = {
  readonly name: string
  readonly value: string
  readonly version: string
  readonly created: number
  readonly updated: number
  readonly exp?: number
}

/** What the simulator remembers over a restart. */
export type State = {
  readonly signingKey: string
  queries: readonly Query[]
  reports: readonly Report[]
  executions: readonly Execution[]
  restatements: readonly Restatement[]
  secrets: readonly Secret[]
}

/** Reads the state from `file`. Without a file, or before it exists, the state is empty and has a new signing key. */
export function loadState(file: string | undefined): State {
  if (file !== undefined && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as State
  const signingKey = randomBytes(32).toString('hex')
  return { signingKey, queries: [], reports: [], executions: [], restatements: [], secrets: [] }
}

/** Writes the state to `file` in one step: when the simulator is killed, the file holds the old state or the new one. */
export function saveState(file: string | undefined, state: State): void {
  if (file === undefined) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
