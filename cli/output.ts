import { styleText } from 'node:util'
import { plainJson, plainText } from '../src/core/plain-text.ts'
import { safeText } from '../src/services/safe-text.ts'
import { storageProblem } from '../src/services/storage/errors.ts'
import { type Busy, openBusy } from './busy.ts'

/** 0: done. 1: the command or a part of it failed. 2: the command line is wrong. 130: Ctrl-C, as shells say it. */
export type ExitCode = 0 | 1 | 2 | 130

/** How a text is shown on a terminal that has colours. It says nothing that the text does not say. */
export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan'

/** A text with its style. */
export type Styled = { readonly text: string; readonly style?: Style }

/** A line of output, in parts where they look different. */
export type Line = string | readonly (string | Styled)[]

/** The result of a command: JSON for `--json`, lines for a person, and problems for standard error. */
export type CommandResult = {
  readonly exitCode: ExitCode
  /** Absent if the command has already written its output. */
  readonly json?: object
  /** The JSON is printed as the app answers it over HTTP: on one line. */
  readonly compact?: true
  readonly lines: readonly Line[]
  readonly problems?: readonly string[]
}

export type OutputOptions = { readonly json?: true }

export function done(json: object, lines: readonly Line[]): CommandResult {
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
export async function print({ json }: OutputOptions, run: (busy: Busy) => Promise<CommandResult>): Promise<void> {
  // On standard error, so that what a command prints can be read by another program.
  const busy = openBusy('at work', process.stderr)
  const result = await run(busy).catch(unexpected)
  busy.end()
  // Texts of others have no line ends left in them: they are ours.
  const lines = json ? [] : result.lines.flatMap(ownLines)
  const shown = json && result.json ? [plainJson(result.json, result.compact ? 0 : 2)] : lines.map(shownLine)
  for (const line of shown) process.stdout.write(`${line}\n`)
  for (const problem of result.problems ?? []) process.stderr.write(`${shownOn(process.stderr, problem, 'red')}\n`)
  process.exitCode = result.exitCode
}

function ownLines(line: Line): readonly Line[] {
  return typeof line === 'string' ? line.split('\n') : [line]
}

function shownLine(line: Line): string {
  if (typeof line === 'string') return plainText(line)
  return line
    .map((part) => (typeof part === 'string' ? plainText(part) : shownOn(process.stdout, part.text, part.style)))
    .join('')
}

/** Colours only where the stream is a terminal, and nothing in the environment forbids it (NO_COLOR). */
function shownOn(stream: NodeJS.WriteStream, text: string, style: Style | undefined): string {
  const plain = plainText(text)
  return style === undefined ? plain : styleText(style, plain, { stream })
}

/** Shows an error without addresses and keys, which its text can contain. */
function unexpected(error: unknown): CommandResult {
  const text = error instanceof Error ? safeText(error.message) : 'unknown error'
  return refused([storageProblem(error) ?? text])
}

/** A number, a date or nothing: such columns are aligned at their end, so that their digits stand below each other. */
const FIGURE = /^(-?\d[\d.,:TZ%-]*|-|)$/

/** Formats rows as aligned columns under a heading, one line per row. */
export function table(head: readonly string[], rows: readonly (readonly (string | Styled)[])[]): readonly Line[] {
  const cells = rows.map((row) => head.map((_, i) => cellOf(row[i])))
  const columns = head.map((name, i) => {
    const texts = cells.map((row) => row[i]?.text ?? '')
    const width = texts.reduce((widest, text) => Math.max(widest, text.length), name.length)
    return { width, isOfFigures: texts.some((text) => text !== '') && texts.every((text) => FIGURE.test(text)) }
  })
  const heading = head.map((text): Styled => ({ text, style: 'bold' }))
  return [heading, ...cells].map((row) => {
    const parts = columns.map(({ width, isOfFigures }, i): Styled => {
      const { text, ...style } = row[i] ?? { text: '' }
      const padded = isOfFigures ? text.padStart(width) : text.padEnd(width)
      return { text: i === columns.length - 1 ? padded.trimEnd() : padded, ...style }
    })
    return withGaps(parts)
  })
}

function cellOf(cell: string | Styled | undefined): Styled {
  return typeof cell === 'object' ? cell : { text: cell ?? '' }
}

/** The parts of a line with blanks between them, and none at its end. */
function withGaps(parts: readonly Styled[]): Line {
  const last = parts.findLastIndex(({ text }) => text.trim() !== '')
  const shown = parts.slice(0, last + 1)
  return shown.flatMap(({ text, ...style }, at) => {
    const isLast = at === shown.length - 1
    return isLast ? [{ text: text.trimEnd(), ...style }] : [{ text, ...style }, '  ']
  })
}
