import type { Landing } from '../src/core/ledger/ledger.ts'
import type { HeldEntry } from '../src/steps/landing/held-entry.ts'

/** An entry in memory that nobody else holds, to land without a ledger: for the bench and for tests. */
export function holdInMemory(first: Landing): HeldEntry {
  let entry = first
  return {
    entry: () => entry,
    update: async (change) => {
      entry = { ...entry, ...change }
    },
    finish: async (next) => ({ value: next, etag: '' }),
    assertHeld: () => undefined,
    pause() {
      throw new Error('a landing without a time limit paused')
    },
    release: () => undefined,
  }
}
