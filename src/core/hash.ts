const OFFSET_BASIS = 0xcbf29ce484222325n
const PRIME = 0x100000001b3n

/**
 * Sixteen hex digits that change when a JSON value changes; the order of an object's fields does not count.
 * FNV-1a of 64 bits: it tells apart the few versions a feed goes through, and nobody gains by forging one, so it
 * need not withstand an attacker.
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
