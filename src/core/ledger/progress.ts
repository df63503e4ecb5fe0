import type { Checked } from '../report/check.ts'

/** Milliseconds spent in each phase of a landing. `file` is absent where no file was written. */
export type PhaseTimes = {
  readonly check: number
  readonly write: number
  readonly count: number
  readonly file?: number
}

/** How far a file was read back: its row groups, their rows, and the hash of each column so far. */
export type ReadBack = { readonly groups: number; readonly rows: number; readonly hashes: readonly string[] }

/** A file that was read back from its own bytes: their number, and one hash for those of all columns. */
export type FileEvidence = { readonly bytes: number; readonly hash: string }

/** How far a landing has come; kept in its ledger entry, so that another instance goes on where this one stopped. */
export type Progress = {
  readonly checked: Checked
  /** The ETag of the archive that was checked: the write pass reads the same bytes. */
  readonly etag: string
  /** Rows acknowledged by the service below the checkpoint. */
  readonly acknowledged: number
  /** Rows of the records below the checkpoint that the write pass could not encode: as many as the check rejected. */
  readonly rejected: number
  /** Rows the service refused, each for itself: the numbers of their records, by the service's code. */
  readonly refused: Readonly<Record<string, readonly number[]>>
  /** An owner was replaced before it gave up its lease: what it still wrote is counted. */
  readonly mustCount: boolean
  /** Rows counted below the checkpoint of phase `count`. */
  readonly counted: number
  /** How often the write pass was started. */
  readonly rounds: number
  /** Requests to Table Storage that are billed. */
  readonly operations: number
  readonly milliseconds: PhaseTimes
  /** How far the file was read back; absent before, and where it is written anew. */
  readonly readBack?: ReadBack
  /** The file of the rows, once it is proven. */
  readonly file?: FileEvidence
}

/** The check has passed: nothing is written yet. */
export function beginLanding(checked: Checked, etag: string, milliseconds: PhaseTimes): Progress {
  return {
    checked,
    etag,
    acknowledged: 0,
    rejected: 0,
    refused: {},
    mustCount: false,
    counted: 0,
    rounds: 1,
    operations: 0,
    milliseconds,
  }
}

/** The write pass starts again, because the table holds other rows than were acknowledged. */
export function writeAgain(progress: Progress): Progress {
  return { ...progress, acknowledged: 0, rejected: 0, refused: {}, counted: 0, rounds: progress.rounds + 1 }
}

/** Adds the time that passed since `started` to one phase. */
export function spent(times: PhaseTimes, phase: keyof PhaseTimes, started: Date, now: Date): PhaseTimes {
  return { ...times, [phase]: (times[phase] ?? 0) + now.getTime() - started.getTime() }
}

/** The service's code of each refused record, by its number. */
export function refusedCodes({ refused }: Pick<Progress, 'refused'>): ReadonlyMap<number, string> {
  return new Map(Object.entries(refused).flatMap(([code, numbers]) => numbers.map((number) => [number, code] as const)))
}
