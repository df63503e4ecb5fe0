import { isFailure } from '../../core/failures.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { differOnlyInHints } from '../../core/ledger/ledger-row.ts'
import { windowId } from '../../core/time/window.ts'
import type { Ledger, Stored } from '../../services/storage/ledger.ts'

/**
 * Replaces an entry by what the service answered about it. Hints may have marked the entry while the service was asked:
 * whoever can send them must not be able to undo the answer. Undefined where anything else changed the entry.
 */
export async function writePastHints<E extends LedgerEntry>(
  ledger: Ledger,
  next: E,
  read: Stored<LedgerEntry>,
): Promise<Stored<E> | undefined> {
  for (let { etag } = read; ; ) {
    const written = await ledger.write(next, etag)
    if (written) return written
    const current = await ledger.read(next.feed, windowId(next.window))
    if (!current || isFailure(current) || current.etag === etag) return undefined
    if (!differOnlyInHints(current.value, read.value)) return undefined
    etag = current.etag
  }
}
