/** A clock that stands still until the test moves it, so that every instant of a test is known. */
export type TestClock = { now(): Date; advance(milliseconds: number): void }

/** A clock that shows `start` (ISO 8601). */
export function testClock(start: string): TestClock {
  let milliseconds = Date.parse(start)
  return {
    now: () => new Date(milliseconds),
    advance(by) {
      milliseconds += by
    },
  }
}
