import { type Command, InvalidArgumentError } from 'commander'
import { parseWindowId, type Window } from '../src/core/time/window.ts'

/** Adds a command with the options that all of them have. */
export function addCommand(program: Command, usage: string, description: string): Command {
  return program
    .command(usage)
    .description(description)
    .option('--json', 'print one JSON value')
    .option('--settings <file>', 'settings for what the environment lacks (default: local.settings.json)')
    .option('--feeds <file>', 'the local feeds', 'feeds.json')
}

/** Options that choose windows: those named, or those that overlap a span of time. */
export type WindowOptions = { readonly window: readonly Window[]; readonly from?: Date; readonly to?: Date }

export function addWindowOptions(command: Command): Command {
  return command
    .option('--window <id>', 'a window, as 20250301T000000Z_20250401T000000Z; may be repeated', collectWindow, [])
    .option('--from <date>', 'windows that reach beyond this date or instant, UTC', parseInstant)
    .option('--to <date>', 'windows that begin before this date or instant, UTC', parseInstant)
}

/** Whether a window is chosen; without any option, every one is. */
export function isChosen({ window: named, from, to }: WindowOptions, { from: starts, to: ends }: Window): boolean {
  if (named.length > 0) return named.some((each) => +each.from === +starts && +each.to === +ends)
  return (!from || ends > from) && (!to || starts < to)
}

/** Whether any window is named at all; a command that changes something asks for that. */
export function chooses({ window, from, to }: WindowOptions): boolean {
  return window.length > 0 || from !== undefined || to !== undefined
}

export function parseWindow(text: string): Window {
  const window = parseWindowId(text)
  if (!window) throw new InvalidArgumentError('It must be as 20250301T000000Z_20250401T000000Z.')
  return window
}

function collectWindow(text: string, before: readonly Window[]): readonly Window[] {
  return [...before, parseWindow(text)]
}

function parseInstant(text: string): Date {
  const instant = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text) ? new Date(text) : new Date(Number.NaN)
  if (Number.isNaN(instant.getTime())) throw new InvalidArgumentError('It must be as 2025-03-01 or 2025-03-01T12:00Z.')
  return instant
}
