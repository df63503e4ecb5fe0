import { expect, expectTypeOf, it } from 'vitest'
import { type Codecs, count, optional, text } from '../../src/core/ledger/codec.ts'
import type { Figures, LedgerEntry, Requesting } from '../../src/core/ledger/ledger.ts'
import type { Ledger, WrittenEntry } from '../../src/services/storage/ledger.ts'

// Mistakes that the compiler has to find. Each `@ts-expect-error` fails the type check once its line compiles.

type Thing = { readonly name: string; readonly size?: number }

it('a write that may meet a conflict gives no ETag before somebody looks', () => {
  expectTypeOf<ReturnType<Ledger['write']>>().resolves.toEqualTypeOf<WrittenEntry<LedgerEntry> | undefined>()
  const etagOf = async (ledger: Ledger, entry: Requesting) => {
    const written = await ledger.write(entry, undefined)
    // @ts-expect-error the entry may have been changed by another: there is no ETag then
    return written.etag
  }
  expect(etagOf).toBeTypeOf('function')
})

it('a field needs a codec, and an optional field one that lets it be absent', () => {
  const complete: Codecs<Thing> = { name: text, size: optional(count) }
  // @ts-expect-error a new optional field would be written and then lost on reading
  const lacking: Codecs<Thing> = { name: text }
  // @ts-expect-error a field that may be absent cannot be read as one that is always there
  const strict: Codecs<Thing> = { name: text, size: count }
  expect([complete, lacking, strict]).toHaveLength(3)
})

it('figures take no property under another name', () => {
  const misspelt = (figures: Figures): Figures => ({
    ...figures,
    // @ts-expect-error it is rowsLanded
    rowLanded: 1,
  })
  expect(misspelt).toBeTypeOf('function')
})
