const OFFSET_BASIS = 0xcbf29ce484222325n
const PRIME = 0x100000001b3n

/**
 * Hashes a JSON value to sixteen hex digits. The order of an object's fields does not matter.
 * The hash is FNV-1a with 64 bits. It only tells apart the few versions of a feed. It does not have to withstand an
 * attacker, because nobody gains from a forged hash.
 */
export function hashJson(value: unknown): string {
  let hash = OFFSET_BASIS
  for (const byte of new TextEncoder().encode(JSON.stringify(value, sortFields))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME)
  }
  return hash.toString(16).padStart(16, '0')
}

function sortFields(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
