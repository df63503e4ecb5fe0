import type { AppEvent } from '../../core/events.ts'
import { hashJson } from '../../core/hash.ts'
import { type ToldRow, toldRowKey } from '../../core/ledger/app-rows.ts'
import { DAY_MS } from '../../core/time/durations.ts'
import type { Services } from '../services.ts'

/**
 * Emits an event that every tick would repeat only if it has changed, or once a day. `cause` is what of the event counts as
 * a change.
 */
export async function tellOnce(
  { ledger, clock, emit }: Services,
  about: string,
  event: AppEvent,
  cause: object = event,
): Promise<void> {
  const stored = await ledger.readApp<ToldRow>(toldRowKey(about))
  const now = clock()
  const told = { hash: hashJson(cause), at: now.toISOString() }
  const isOld = stored !== undefined && now.getTime() - Date.parse(stored.value.at) >= DAY_MS
  if (stored?.value.hash === told.hash && !isOld) return
  if (await ledger.writeApp(toldRowKey(about), told, stored?.etag)) emit(event)
}
