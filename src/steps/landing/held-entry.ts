import { isFailure } from '../../core/failures.ts'
import { letGo } from '../../core/ledger/drop.ts'
import type { Landing, LedgerEntry } from '../../core/ledger/ledger.ts'
import { toRow } from '../../core/ledger/ledger-row.ts'
import { toAdvanced } from '../../core/ledger/transitions.ts'
import { NEVER } from '../../core/ledger/wake.ts'
import { windowId } from '../../core/time/window.ts'
import type { Ledger, Stored } from '../../services/storage/ledger.ts'

/** Someone else owns the landing now, or may: what this owner still holds of it must not be written. */
export class LeaseLost extends Error {
  constructor(entry: LedgerEntry) {
    super(`lease of ${entry.feed} ${windowId(entry.window)} is lost: another instance may go on with it`)
    this.name = 'LeaseLost'
  }
}

/** An entry that is being landed, held under a lease that is renewed until `finish` or `release`. */
export type HeldEntry = {
  entry(): Landing
  /** Changes the entry under its ETag; throws `LeaseLost` where somebody else changed it. */
  update(change: Partial<Landing>): Promise<void>
  /** Writes the state that ends the landing; the lease ends with it. */
  finish<E extends LedgerEntry>(next: E): Promise<Stored<E>>
  /** Gives the lease up for a continuation, which anybody may take up at once. */
  pause(): Promise<void>
  /** Throws `LeaseLost` where the lease may have passed to somebody else. */
  assertHeld(): void
  release(): void
}

export type Lease = {
  readonly ledger: Ledger
  readonly clock: () => Date
  readonly leaseMs: number
  readonly table: string
}

/** Holds an entry that this owner has just written; the lease is renewed every quarter of its length. */
export function holdEntry(stored: Stored<Landing>, lease: Lease): HeldEntry {
  const { clock, leaseMs } = lease
  const { entry, write, renewedAt } = openWriter(stored, lease)
  const leaseUntil = () => new Date(clock().getTime() + leaseMs)
  const update = async (change: Partial<Landing>) =>
    void (await write((value) => toAdvanced(value, { ...change, leaseUntil: leaseUntil() })))
  const timer = setInterval(() => void update({}).catch(() => undefined), leaseMs / 4)
  return {
    entry,
    update,
    release: () => clearInterval(timer),
    finish(next) {
      clearInterval(timer)
      return write(() => next)
    },
    async pause() {
      clearInterval(timer)
      await write((value) => ({ ...value, owner: '', leaseUntil: clock() }))
    },
    assertHeld() {
      const renewed = renewedAt()
      if (renewed === undefined || clock().getTime() - renewed > leaseMs / 2) throw new LeaseLost(entry())
    },
  }
}

/**
 * A write whose answer is lost is sent again, and meets a conflict with itself: where the entry is exactly what was
 * written, it was this owner.
 */
async function findWritten<E extends LedgerEntry>(ledger: Ledger, next: E): Promise<Stored<E> | undefined> {
  const stored = await ledger.read(next.feed, windowId(next.window))
  if (!stored || isFailure(stored)) return undefined
  const isOurs = JSON.stringify(toRow(stored.value, NEVER)) === JSON.stringify(toRow(next, NEVER))
  return isOurs ? { value: next, etag: stored.etag } : undefined
}

/** Changes an entry under its ETag, one change at a time: two writes under one ETag would look like a lost lease. */
function openWriter({ value, etag }: Stored<Landing>, { ledger, clock, table }: Lease) {
  let renewedAt: number | undefined = clock().getTime()
  let last: Promise<unknown> = Promise.resolve()
  const writeNow = async <E extends LedgerEntry>(change: (value: Landing) => E): Promise<Stored<E>> => {
    // The lease counts from before the write: where that takes long, so much of the lease has passed.
    const began = clock().getTime()
    const next = change(value)
    const drops = letGo(value, next, table, clock())
    if (renewedAt === undefined) throw new LeaseLost(value)
    const written = (await ledger.write(next, etag, { drops })) ?? (await findWritten(ledger, next))
    renewedAt = written && began
    if (!written) throw new LeaseLost(value)
    etag = written.etag
    if (next.state === 'landing') value = next
    return written
  }
  return {
    entry: () => value,
    /** When the lease was renewed last; undefined once it is lost. */
    renewedAt: () => renewedAt,
    write<E extends LedgerEntry>(change: (value: Landing) => E): Promise<Stored<E>> {
      const done = last.then(() => writeNow(change))
      last = done.catch(() => undefined)
      return done
    },
  }
}
