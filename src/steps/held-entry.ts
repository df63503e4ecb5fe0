import type { Landing, LedgerEntry } from '../core/ledger.ts'
import { windowId } from '../core/windows.ts'
import type { Ledger, Stored } from '../services/ledger-table.ts'

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

export type Lease = { readonly ledger: Ledger; readonly clock: () => Date; readonly milliseconds: number }

/** Holds an entry that this owner has just written; the lease is renewed every quarter of its length. */
export function holdEntry(stored: Stored<Landing>, { ledger, clock, milliseconds }: Lease): HeldEntry {
  let { value, etag } = stored
  let renewedAt = clock().getTime()
  let lost = false
  let last: Promise<unknown> = Promise.resolve()
  const write = async (next: LedgerEntry): Promise<void> => {
    const written = lost ? 'conflict' : await ledger.write(next, etag)
    lost = written === 'conflict'
    if (lost) throw new LeaseLost(value)
    etag = written
    renewedAt = clock().getTime()
  }
  /** One change at a time: two writes under one ETag would look like a lost lease. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work)
    last = done.catch(() => undefined)
    return done
  }
  const update = (change: Partial<Landing>) =>
    inTurn(async () => {
      const next = { ...value, ...change, leaseUntil: new Date(clock().getTime() + milliseconds) }
      await write(next)
      value = next
    })
  const timer = setInterval(() => void update({}).catch(() => undefined), milliseconds / 4)
  return {
    ...{ entry: () => value, update, release: () => clearInterval(timer) },
    async finish(next) {
      clearInterval(timer)
      await inTurn(() => write(next))
      return { value: next, etag }
    },
    async pause() {
      clearInterval(timer)
      await inTurn(() => write({ ...value, owner: '', leaseUntil: clock() }))
    },
    assertHeld() {
      if (lost || clock().getTime() - renewedAt > milliseconds / 2) throw new LeaseLost(value)
    },
  }
}

/**
 * When another owner may take over: at once where the lease was given up, else half a lease after it ended, when the
 * writer of the owner before has stopped.
 */
export function takeoverAt({ owner, leaseUntil }: Landing, leaseMilliseconds: number): Date {
  return owner === '' ? leaseUntil : new Date(leaseUntil.getTime() + leaseMilliseconds / 2)
}
