import type { Checked } from '../report/check.ts'

/** How far a landing has come; kept in its ledger entry, so that another instance goes on where this one stopped. */
export type Progress = {
  readonly checked: Checked
  /** No earlier landing wrote to this window and nobody took this one over: there is nothing to remove. */
  readonly untouched: boolean
  /** Rows acknowledged by the service below the checkpoint. */
  readonly acknowledged: number
  /** Records below the checkpoint that the write pass could not encode: as many as the check rejected. */
  readonly rejected: number
  /** Rows the service refused, each for itself: the numbers of their records, by the service's code. */
  readonly refused: Readonly<Record<string, readonly number[]>>
  /** Rows of this attempt found in the partitions below the remove pass's checkpoint. */
  readonly kept: number
  /** How often the write pass was started. */
  readonly rounds: number
  readonly operations: number
  readonly milliseconds: { readonly check: number; readonly write: number; readonly remove: number }
}

/** The write pass begins, after a check or because the remove pass counted other rows than were acknowledged. */
export function beginWriting(progress: Omit<Progress, 'acknowledged' | 'rejected' | 'refused' | 'kept'>): Progress {
  return { ...progress, acknowledged: 0, rejected: 0, refused: {}, kept: 0, rounds: progress.rounds + 1 }
}

/** Adds the time that passed since `started` to one phase. */
export function spent(
  { milliseconds }: Pick<Progress, 'milliseconds'>,
  phase: 'check' | 'write' | 'remove',
  started: Date,
  now: Date,
): Progress['milliseconds'] {
  return { ...milliseconds, [phase]: milliseconds[phase] + now.getTime() - started.getTime() }
}

/** The service's code of each refused record, by its number. */
export function refusedCodes({ refused }: Pick<Progress, 'refused'>): ReadonlyMap<number, string> {
  return new Map(Object.entries(refused).flatMap(([code, numbers]) => numbers.map((number) => [number, code] as const)))
}
