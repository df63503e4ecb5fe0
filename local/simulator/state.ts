import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Secret } from './key-vault.ts'
import type { Restatement } from './restate.ts'
import type { Effect } from './switches.ts'

/** A query as the service answers it. */
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

/** A report as it stands at the service, with what its answers leave out: the query times, whether it was deleted or paused. */
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
  readonly recurrenceInterval: number | null
  readonly recurrenceCount: number | null
  readonly callbackUrl: string | null
  readonly callbackMethod: 'GET' | 'POST'
  readonly format: 'csv' | 'tsv'
  readonly queryStartTime: string | null
  readonly queryEndTime: string | null
  /** Deleted reports stay here, unseen by the API, so that a test can still ask what they served. */
  readonly deleted: boolean
  readonly paused: boolean
}

/** One run of a report. Its status follows from the clock; instants are ISO 8601 with milliseconds. */
export type Execution = {
  readonly executionId: string
  readonly reportId: string
  readonly queuedAt: string
  readonly readyAt: string
  /** Whether its completion was seen, and its callback thereby sent. */
  readonly announced: boolean
  /** What was switched on for this report and its callback when it was created. */
  readonly faults: readonly Effect[]
  /** How many of the restatements had come before it. */
  readonly restatements: number
  /** Set when its file was replaced while it was downloaded. */
  readonly replaced?: true
}

/** What the simulator remembers over a restart. */
export type State = {
  readonly signingKey: string
  queries: readonly Query[]
  reports: readonly Report[]
  executions: readonly Execution[]
  restatements: readonly Restatement[]
  /** Of the stand-in for a Key Vault. */
  secrets: readonly Secret[]
}

/** Reads the state from `file`; without a file, or before it exists, a fresh state with a new signing key. */
export function loadState(file: string | undefined): State {
  if (file === undefined || !existsSync(file)) {
    const nothing = { queries: [], reports: [], executions: [], restatements: [], secrets: [] }
    return { signingKey: randomBytes(32).toString('hex'), ...nothing }
  }
  return JSON.parse(readFileSync(file, 'utf8')) as State
}

/** Writes the state to `file` in one step, so that a killed simulator leaves the old state or the new one. */
export function saveState(file: string | undefined, state: State): void {
  if (file === undefined) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
