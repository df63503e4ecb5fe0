import { plainJson, plainText } from '../src/core/plain-text.ts'
import { safeText } from '../src/services/safe-text.ts'
import { storageProblem } from '../src/services/storage/errors.ts'

/** 0: done. 1: the command or a part of it failed. 2: the command line is wrong. 130: Ctrl-C, as shells say it. */
export type ExitCode = 0 | 1 | 2 | 130

/** The result of a command: JSON for `--json`, lines for a person, and problems for standard error. */
export type CommandResult = {
  readonly exitCode: ExitCode
  /** Absent if the command has already written its output. */
  readonly json?: object
  readonly lines: readonly string[]
  readonly problems?: readonly string[]
}

export type OutputOptions = { readonly json?: true }

export function done(json: object, lines: readonly string[]): CommandResult {
  return { exitCode: 0, json, lines }
}

/** The result of a command that has already written its output. */
export function written(): CommandResult {
  return { exitCode: 0, lines: [] }
}

/** The result of a command that did nothing because of these problems. */
export function refused(problems: readonly string[], exitCode: ExitCode = 1): CommandResult {
  return { exitCode, json: { problems }, lines: [], problems }
}

/** Runs a command, prints its result and sets the exit code of the process. */
export async function print({ json }: OutputOptions, run: () => Promise<CommandResult>): Promise<void> {
  const result = await run().catch(unexpected)
  // Texts of others have no line ends left in them: they are ours.
  const lines = json ? [] : result.lines.flatMap((line) => line.split('\n')).map(plainText)
  const shown = json && result.json ? [plainJson(result.json)] : lines
  for (const line of shown) process.stdout.write(`${line}\n`)
  for (const problem of result.problems ?? []) process.stderr.write(`${plainText(problem)}\n`)
  process.exitCode = result.exitCode
}

/** Shows an error without addresses and keys, which its text can contain. */
function unexpected(error: unknown): CommandResult {
  const text = error instanceof Error ? safeText(error.message) : 'unknown error'
  return refused([storageProblem(error) ?? text])
}

/** Formats rows as aligned columns under a heading, one line per row. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((name, i) =>
    rows.reduce((widest, row) => Math.max(widest, (row[i] ?? '').length), name.length),
  )
  return [head, ...rows].map((row) =>
    widths
      .map((width, i) => (row[i] ?? '').padEnd(width))
      .join('  ')
      .trimEnd(),
  )
}
