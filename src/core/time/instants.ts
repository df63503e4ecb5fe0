export function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}

export function later(a: Date, b: Date): Date {
  return a > b ? a : b
}

/** The earliest of some instants, where there is any. */
export function earliest(instants: readonly (Date | undefined)[]): Date | undefined {
  return instants.reduce((first, each) => (first && each ? earlier(first, each) : (first ?? each)), undefined)
}

/** The day of an instant: `2025-03-01`. */
export function dayText(at: Date): string {
  return at.toISOString().slice(0, 10)
}

/** An instant to the minute, as people read it: `2025-03-01T12:00Z`. */
export function minuteText(at: Date): string {
  return `${at.toISOString().slice(0, 16)}Z`
}
