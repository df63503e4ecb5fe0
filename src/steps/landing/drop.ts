import { isFailure } from '../../core/failures.ts'
import { type Drop, isNamed, withLaterWake, withRowsGone } from '../../core/ledger/drop.ts'
import { dayOf, type Generation } from '../../core/report/generation.ts'
import type { Stored } from '../../services/storage/ledger.ts'
import type { Services } from '../services.ts'

/**
 * Deletes the rows of a generation that no entry names any more, in as many invocations as it takes, and looks again an
 * hour later for rows that a late request brought back. It may run twice at once: a row can only be deleted once.
 */
export async function dropRows(services: Services, feed: string, generation: Generation): Promise<void> {
  const { ledger, clock, settings, queue, landingTable } = services
  const stored = await ledger.readDrop(feed, generation)
  if (!stored) return
  if (isFailure(stored)) return services.emit({ event: 'message.ignored', message: stored.message })
  // Published rows are never deleted. An entry that was deleted by hand and brought back names its rows again: so the drop
  // is over. One that cannot be read may name them.
  const entries = await ledger.entriesOn(feed, dayOf(stored.value))
  if (entries.some(isFailure)) return
  if (isNamed(generation, entries)) return ledger.endDrop(stored)
  const until = new Date(clock().getTime() + settings.ingestTimeLimitMs)
  const held = await ledger.writeDrop(withLaterWake(stored.value, clock()), stored.etag)
  if (!held) return
  const removed = await landingTable(held.value.table).remove(held.value, () => clock() >= until)
  // What time heals is left to the sweep.
  if (isFailure(removed)) return
  if (!removed.isDone) return queue.sendDrop({ feed, generation })
  await noteRowsGone(services, held)
}

async function noteRowsGone({ ledger, clock }: Services, held: Stored<Drop>): Promise<void> {
  const next = withRowsGone(held.value, clock())
  if (next) await ledger.writeDrop(next, held.etag)
  else await ledger.endDrop(held)
}
