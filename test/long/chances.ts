/** Gives whole numbers from 0 up to, but not including, `below`. The same seed gives the same numbers (mulberry32). */
export type Chances = (below: number) => number

export function chancesOf(seed: number): Chances {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export function oneOf<const T>(chances: Chances, all: readonly [T, ...T[]]): T {
  return all[chances(all.length)] ?? all[0]
}

export function shuffled<T>(chances: Chances, all: readonly T[]): readonly T[] {
  const left = [...all]
  return all.flatMap(() => left.splice(chances(left.length), 1))
}
