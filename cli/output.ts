import { safeText } from '../src/services/safe-text.ts'
import { storageProblem } from '../src/services/storage/errors.ts'

/** 0: done. 1: it failed, or some of it. 2: the command line makes no sense. */
export type Exit = 0 | 1 | 2

/** What a command came to: one JSON value, or lines for a person; what went wrong goes to standard error. */
export type Outcome = {
  readonly exit: Exit
  /** Absent where the command has written it itself. */
  readonly json?: object
  readonly lines: readonly string[]
  readonly problems?: readonly string[]
}

export type OutputOptions = { readonly json?: true }

export function done(json: object, lines: readonly string[]): Outcome {
  return { exit: 0, json, lines }
}

/** All of it was written on the way. */
export function written(): Outcome {
  return { exit: 0, lines: [] }
}

/** Nothing was done, for these reasons. */
export function refused(problems: readonly string[], exit: Exit = 1): Outcome {
  return { exit, json: { problems }, lines: [], problems }
}

/** Runs a command, prints what it came to and sets the exit code of the process. */
export async function print({ json }: OutputOptions, run: () => Promise<Outcome>): Promise<void> {
  const outcome = await run().catch(unexpected)
  const lines = json ? [] : outcome.lines
  const shown = json && outcome.json ? [JSON.stringify(outcome.json, undefined, 2)] : lines
  for (const line of shown) process.stdout.write(`${line}\n`)
  for (const problem of outcome.problems ?? []) process.stderr.write(`${problem}\n`)
  process.exitCode = outcome.exit
}

/** An error's text can hold an address or a key: it is shown only after both are cut out. */
function unexpected(error: unknown): Outcome {
  const text = error instanceof Error ? safeText(error.message) : 'unknown error'
  return refused([storageProblem(error) ?? text])
}

/** Lines of aligned columns under a heading. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)))
  return [head, ...rows].map((row) =>
    widths
      .map((width, i) => (row[i] ?? '').padEnd(width))
      .join('  ')
      .trimEnd(),
  )
}
