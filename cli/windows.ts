import { type Command, InvalidArgumentError } from 'commander'
import type { Problem } from '../src/core/problems.ts'
import { parseWindowId, type Window, type WindowId, windowId } from '../src/core/time/window.ts'
import { parseDay, parseMonth, windowOption } from '../src/core/time/words.ts'
import { type CommonOptions, differingFeeds, type LocalApp, withApp } from './command.ts'
import { print, refused } from './output.ts'

/** Options that choose all windows that overlap a span of time. */
export type SpanOptions = { readonly from?: Date; readonly to?: Date }

/** Options that name windows: by id or day, or all of a month. */
export type NamedOptions = { readonly window: readonly Window[]; readonly month: readonly Window[] }

/** Options that choose windows: by name, or by a span of time. */
export type WindowOptions = SpanOptions & NamedOptions

/** Options of a command that changes the chosen windows of one feed. */
export type ChangeOptions = CommonOptions & WindowOptions & { readonly feed?: string }

export function addWindowOptions(command: Command): Command {
  return addSpanOptions(addNamedOptions(command))
}

/** Adds the options that name windows. */
export function addNamedOptions(command: Command): Command {
  return command
    .option('--month <month>', 'the windows of a month, such as 2025-03; may be repeated', collectMonth, [])
    .option(
      '--window <id>',
      'a window, as a day such as 2025-03-05, or such as 20250301T000000Z_20250401T000000Z; may be repeated',
      collectWindow,
      [],
    )
}

export function addSpanOptions(command: Command): Command {
  return command
    .option('--from <date>', 'windows that end after this date or instant, UTC', parseInstant)
    .option('--to <date>', 'windows that start before this date or instant, UTC', parseInstant)
}

/** Adds the options of a command that changes windows of one feed. */
export function addChangeOptions(command: Command): Command {
  return addWindowOptions(command).option('--feed <name>', 'the feed, if it is not the first argument')
}

/** Whether the options choose a window. Without any of them, every window is chosen. */
export function isChosen({ window: named, month: months, ...span }: WindowOptions, window: Window): boolean {
  const isNamed = named.some(({ from, to }) => +from === +window.from && +to === +window.to)
  if (isNamed || months.some((month) => isInSpan(month, window))) return true
  return named.length + months.length === 0 && isInSpan(span, window)
}

/** The windows that options choose among those that the ledger knows. A named one need not be known, nor a whole month. */
export function chosenWindows(options: WindowOptions, known: readonly Window[]): readonly Window[] {
  const { window: named, month: months } = options
  const isKnown = (month: Window) => known.some((window) => isInSpan(month, window))
  const chosen = known.filter((window) => isChosen(options, window))
  const all = [...chosen, ...named, ...months.filter((month) => !isKnown(month))]
  return [...new Map(all.map((window) => [windowId(window), window])).values()]
}

/** Reads which windows of a feed the options choose; a sentence where there is none. */
export async function findWindows(
  { ledger }: Pick<LocalApp['services'], 'ledger'>,
  feed: string,
  options: WindowOptions,
): Promise<readonly Window[] | Problem> {
  const known: Window[] = []
  for await (const { window } of ledger.scan(feed)) if (window) known.push(window)
  const misnamed = misnamedWindow(options, known)
  if (misnamed !== undefined) return { problem: `feed ${feed} ${misnamed}` }
  const windows = chosenWindows(options, known)
  return windows.length > 0 ? windows : { problem: `the ledger has no window of feed ${feed} in that time` }
}

/** Says of a window that is named and lies in others how those are named. */
export function misnamedWindow({ window: named }: NamedOptions, known: readonly Window[]): string | undefined {
  for (const window of named) {
    const holding = known.filter((each) => isInSpan(window, each))
    if (holding.length === 0 || holding.some((each) => windowId(each) === windowId(window))) continue
    const [first, ...others] = holding.map(windowOption)
    const more = others.length > 0 ? `, and ${others.length} more, hold` : ' holds'
    return `has no window ${windowId(window)}: ${first}${more} that time`
  }
  return undefined
}

/** Whether a window overlaps a span of time. */
export function isInSpan({ from, to }: SpanOptions, window: Window): boolean {
  return (!from || window.to > from) && (!to || window.from < to)
}

/** Says why a span of time makes no sense. */
export function wrongSpan({ from, to }: SpanOptions): string | undefined {
  return from && to && from >= to ? '--from must be before --to' : undefined
}

/** The only window that options name; a sentence where they name none or several. */
export function onlyWindow({ window, month }: NamedOptions): Window | Problem {
  const [first, second] = [...window, ...month]
  return first && !second ? first : { problem: 'name one window: --month or --window (add --help for all options)' }
}

function parseWindow(text: string): Window {
  const window = parseWindowId(text) ?? parseDay(text)
  if (!window) {
    throw new InvalidArgumentError('It must look like 2025-03-05 or 20250301T000000Z_20250401T000000Z.')
  }
  return window
}

/** Reads a month of the command line. */
export function collectMonth(text: string, before: readonly Window[]): readonly Window[] {
  const month = parseMonth(text)
  if (!month) throw new InvalidArgumentError('It must look like 2025-03.')
  return [...before, month]
}

function collectWindow(text: string, before: readonly Window[]): readonly Window[] {
  return [...before, parseWindow(text)]
}

function parseInstant(text: string): Date {
  const instant = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text) ? new Date(text) : new Date(Number.NaN)
  if (Number.isNaN(instant.getTime()))
    throw new InvalidArgumentError('It must look like 2025-03-01 or 2025-03-01T12:00Z.')
  // JavaScript takes the 30th of February for the 2nd of March.
  const day = text.slice(0, 10)
  if (!instant.toISOString().startsWith(day)) throw new InvalidArgumentError(`${day} is no day of the calendar.`)
  return instant
}

/** A window, and what became of it. */
export type Changed<R> = { readonly window: WindowId } & (R | Problem)

/**
 * Changes the chosen windows of a feed, one after the other. A window that cannot change goes to standard error and makes
 * the exit code 1. The other windows still change. `afterwards` comes once all have changed, and gives what
 * became of them then.
 */
export function changeWindows<R extends object>(
  argument: string | undefined,
  options: ChangeOptions,
  change: (app: LocalApp, feed: string, window: Window) => Promise<R | Problem>,
  afterwards?: (app: LocalApp, feed: string, changed: readonly Changed<R>[]) => Promise<readonly Changed<R>[]>,
): Promise<void> {
  const feed = argument ?? options.feed
  const wrong = wrongChoice(argument, options)
  if (feed === undefined || wrong !== undefined) {
    return print(options, async () => refused([wrong ?? 'name the feed (add --help for all options)'], 2))
  }
  return withApp(options, async (app) => {
    const differs = await differingFeeds(app)
    if (differs !== undefined) return refused([differs])
    const windows = await findWindows(app.services, feed, options)
    if ('problem' in windows) return refused([windows.problem])
    const changed: Changed<R>[] = []
    for (const window of windows) {
      changed.push({ window: windowId(window), ...(await change(app, feed, window)) })
    }
    const results = afterwards ? await afterwards(app, feed, changed) : changed
    const problems = results.flatMap((result) => ('problem' in result ? [result.problem] : []))
    const lines = results.flatMap((result) => ('problem' in result ? [] : [lineOf(feed, result)]))
    return { exitCode: problems.length === 0 ? 0 : 1, json: { feed, windows: results }, lines, problems }
  })
}

/** Says that two feeds are named, by the argument of a command and by its option. */
export function twoFeeds(argument: string | undefined, feed: string | undefined): string | undefined {
  if (argument === undefined || feed === undefined || argument === feed) return undefined
  return `two feeds are named, ${argument} and ${feed}: name one`
}

/** Says why the choice of windows makes no sense. */
export function wrongChoice(argument: string | undefined, options: ChangeOptions): string | undefined {
  const { feed, window: named, month, from, to } = options
  const two = twoFeeds(argument, feed)
  if (two !== undefined) return two
  if (named.length + month.length > 0 || from || to) return wrongSpan(options)
  return 'name windows: --month, --window, --from, --to, or --from and --to (add --help for all options)'
}

function lineOf(feed: string, { window, ...result }: { readonly window: string }): string {
  const facts = Object.entries(result).map(([name, value]) => (value === true ? name : `${name} ${value}`))
  return `${feed} ${window}: ${facts.join(', ')}`
}
