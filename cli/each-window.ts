import { isFailure } from '../src/core/failures.ts'
import { type Window, windowId } from '../src/core/time/window.ts'
import type { Problem } from '../src/steps/operator/replay.ts'
import { chooses, isChosen, type WindowOptions } from './command.ts'
import { type CommonOptions, type Context, differingFeeds, withContext } from './context.ts'
import { type Outcome, print, refused } from './output.ts'

/** Options of a command that changes chosen windows of one feed. */
export type ChangeOptions = CommonOptions & WindowOptions & { readonly feed?: string }

type Change<R> = (context: Context, feed: string, window: Window) => Promise<R | Problem>

/** Carries out a change on each chosen window of a feed, one by one; what can't be changed is named, and is exit 1. */
export function changeWindows<R extends object>(
  named: string | undefined,
  options: ChangeOptions,
  change: Change<R>,
): Promise<void> {
  const feed = named ?? options.feed
  if (feed === undefined) return print(options, async () => refused(['name the feed'], 2))
  if (!chooses(options)) return print(options, async () => refused(['name windows: --window, or --from and --to'], 2))
  return withContext(options, async (context) => {
    const differs = await differingFeeds(context)
    return differs === undefined ? changeEach(context, feed, options, change) : refused([differs])
  })
}

async function changeEach<R extends object>(
  context: Context,
  feed: string,
  options: ChangeOptions,
  change: Change<R>,
): Promise<Outcome> {
  const entries = await context.services.ledger.entries(feed)
  const known = entries.flatMap((entry) => (isFailure(entry) ? [] : [entry.window]))
  const windows = options.window.length > 0 ? options.window : known.filter((window) => isChosen(options, window))
  if (windows.length === 0) return refused([`feed ${feed} has no window of that time in the ledger`])
  const results: ({ window: string } & (R | Problem))[] = []
  for (const window of windows) {
    results.push({ window: windowId(window), ...(await change(context, feed, window)) })
  }
  const problems = results.flatMap((result) => ('problem' in result ? [result.problem] : []))
  const lines = results.flatMap((result) => ('problem' in result ? [] : [lineOf(feed, result)]))
  return { exit: problems.length === 0 ? 0 : 1, json: { feed, windows: results }, lines, problems }
}

function lineOf(feed: string, { window, ...result }: { readonly window: string }): string {
  const facts = Object.entries(result).map(([name, value]) => `${name} ${value}`)
  return `${feed} ${window}: ${facts.join(', ')}`
}
