import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toLandedAgain } from '../../src/core/ledger/transitions.ts'
import { anyEntry } from './any-entry.ts'

it('a window that goes back to its earlier landing keeps nothing of the attempt that came to nothing', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      if (!entry.figures) return
      const landed = toLandedAgain({ ...entry, acceptEmpty: true }, entry.figures)
      expect(landed).toMatchObject({ state: 'landed', figures: entry.figures })
      expect(landed).not.toHaveProperty('acceptEmpty')
      expect(landed).not.toHaveProperty('lastError')
    }),
  )
})
