import { type Window, windowId } from '../time/window.ts'

/**
 * Names the rows that one attempt lands: twelve random hexadecimal digits, never derived from anything and never used
 * again. So nothing ever writes into the rows of another attempt.
 */
export type Generation = string & { readonly __brand: 'Generation' }

/** The partitions of one generation, as a reader needs them: `keyFrom` ≤ PartitionKey < `keyTo`. */
export type KeyRange = { readonly keyFrom: string; readonly keyTo: string }

/** A generation and where its rows are. */
export type Place = KeyRange & { readonly generation: Generation }

const GENERATION = /^[0-9a-f]{12}$/
const PARTITION = /^(\d{8}_g([0-9a-f]{12})_)\d{3}$/

/** Makes the generation of a new attempt; `newId` gives a random UUID. */
export function newGeneration(newId: () => string): Generation {
  return newId().replaceAll('-', '').slice(0, 12) as Generation
}

export function toGeneration(text: string): Generation | undefined {
  return GENERATION.test(text) ? (text as Generation) : undefined
}

/** The partitions of a window's generation: `20250301_g3f2a1c09b7de_` and the same with `~`, which no shard reaches. */
export function keyRange(window: Window, generation: Generation): KeyRange {
  const keyFrom = `${windowId(window).slice(0, 8)}_g${generation}_`
  return { keyFrom, keyTo: `${keyFrom}~` }
}

/** The day on which the window of such partitions begins, `20250301`, as the keys of the window's entry begin too. */
export function dayOf({ keyFrom }: KeyRange): string {
  return keyFrom.slice(0, 8)
}

/** The generation that a partition of a landing table belongs to; undefined where it is no partition of ours. */
export function generationAt(partitionKey: string): Place | undefined {
  const [, keyFrom, text = ''] = PARTITION.exec(partitionKey) ?? []
  const generation = toGeneration(text)
  return keyFrom && generation ? { keyFrom, keyTo: `${keyFrom}~`, generation } : undefined
}
