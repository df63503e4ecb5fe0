import { type Failure, failed, isOfSignIn } from '../../core/failures.ts'
import { pacingRowKey } from '../../core/ledger/app-rows.ts'
import { withLookDone } from '../../core/plan/look.ts'
import { EMPTY_PACING, isPacing, type Pacing, throttled } from '../../core/plan/pacing.ts'
import { withoutRefusedSignIn, withRefusedSignIn } from '../../core/plan/refused-sign-in.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import type { Services } from '../services.ts'

/** The pacing row of an account as this tick last read or wrote it. */
export type PacingRow = { value: Pacing; etag: string | undefined }

/** The pacing row among all app rows; a failure where it cannot be read, which stops its account alone. */
export function pacingOf(app: AppRows, account: string): PacingRow | Failure {
  const stored = app.get(pacingRowKey(account))
  if (!stored) return { value: EMPTY_PACING, etag: undefined }
  if (isPacing(stored.value)) return { value: stored.value, etag: stored.etag }
  return failed('unreadable-entry', `ledger row _app ${pacingRowKey(account)} is no pacing: something else changed it`)
}

/** Writes the row under its ETag. False where another instance was faster, which ends the tick. */
export async function writePacing(
  { ledger }: Pick<Services, 'ledger'>,
  account: string,
  row: PacingRow,
  value: Pacing,
): Promise<boolean> {
  const written = await ledger.writeApp(pacingRowKey(account), value, row.etag)
  if (!written) return false
  Object.assign(row, written)
  return true
}

/**
 * Notes that the sign-in of an account was refused: the next tick tries it before it asks for anything. Tries again where
 * another instance was faster. A row that cannot be read stops the account anyway.
 */
export async function noteRefusedSignIn(
  services: Pick<Services, 'ledger' | 'clock'>,
  account: string,
  failure: Failure,
): Promise<void> {
  if (!isOfSignIn(failure)) return
  const stored = await services.ledger.readApp<Pacing>(pacingRowKey(account))
  if (stored && !isPacing(stored.value)) return
  const next = withRefusedSignIn(stored?.value ?? EMPTY_PACING, failure, services.clock())
  if (await services.ledger.writeApp(pacingRowKey(account), next, stored?.etag)) return
  return noteRefusedSignIn(services, account, failure)
}

/** Notes that the sign-in of an account works, where it had been refused. Another instance that was faster noted it too. */
export async function endRefusedSignIn(
  services: Pick<Services, 'ledger' | 'clock'>,
  account: string,
  row: PacingRow,
): Promise<void> {
  const next = withoutRefusedSignIn(row.value, services.clock())
  if (next !== row.value) await writePacing(services, account, row, next)
}

/** As `endRefusedSignIn`, where the row is not known yet. */
export async function endRefusedSignInOf(services: Pick<Services, 'ledger' | 'clock'>, account: string): Promise<void> {
  const stored = await services.ledger.readApp<Pacing>(pacingRowKey(account))
  if (stored && isPacing(stored.value)) await endRefusedSignIn(services, account, { ...stored })
}

/** Notes that the datasets of the service were looked at. Tries again where another instance was faster. */
export async function noteLook(
  services: Pick<Services, 'ledger' | 'clock'>,
  account: string,
  row: PacingRow,
): Promise<void> {
  if (await writePacing(services, account, row, withLookDone(row.value, services.clock()))) return
  const stored = await services.ledger.readApp<Pacing>(pacingRowKey(account))
  if (!stored || !isPacing(stored.value)) return
  Object.assign(row, stored)
  return noteLook(services, account, row)
}

/**
 * The service refused a report for its quota. The account waits for `waitMs`, and has half its allowance from then on. Tries
 * again where another instance was faster, or the others would go on asking. Gives what was written.
 */
export async function reduceAllowance(
  services: Pick<Services, 'ledger' | 'settings'>,
  account: string,
  row: PacingRow,
  now: Date,
  waitMs: number,
): Promise<Pacing> {
  const reduced = throttled(row.value, now, waitMs, services.settings.limits)
  if (await writePacing(services, account, row, reduced)) return reduced
  const stored = await services.ledger.readApp<Pacing>(pacingRowKey(account))
  Object.assign(row, stored ?? { value: EMPTY_PACING, etag: undefined })
  return reduceAllowance(services, account, row, now, waitMs)
}
