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
