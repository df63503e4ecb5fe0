import type { Command } from 'commander'
import { feedNotKnown } from '../../src/core/names.ts'
import type { FeedStatus, Status, WindowStatus } from '../../src/core/status/fields.ts'
import { parseWindowId, type Window } from '../../src/core/time/window.ts'
import { status } from '../../src/steps/status.ts'
import { addCommand, type CommonOptions, withApp } from '../command.ts'
import { type CommandResult, refused } from '../output.ts'
import { statusLines, windowLines } from '../status/lines.ts'
import { collectMonth, isInSpan } from '../windows.ts'

type Options = CommonOptions & {
  readonly feed?: string
  readonly month: readonly Window[]
  readonly windows?: true
  readonly check?: true
}

/** Prints what needs a person, and the states of each feed. `--json` prints what the app answers at `GET status`. */
export function addStatus(program: Command): void {
  addCommand(program, 'status', 'show what needs you, and the windows of each feed')
    .option('--feed <name>', 'only this feed')
    .option('--windows', 'list every window with its state, attempt and last error')
    .option('--month <month>', 'list the windows of a month, such as 2025-03; may be repeated', collectMonth, [])
    .option('--check', 'end with exit code 1 when something needs you')
    .action((options: Options) => withApp(options, async ({ services }) => resultOf(await status(services), options)))
}

function resultOf(all: Status, { feed, month, windows, check }: Options): CommandResult {
  const ofFeeds = feed === undefined ? all : ofFeed(all, feed)
  const names = all.feeds.map(({ name }) => name)
  if (!ofFeeds) return refused([feedNotKnown(feed ?? '', names)])
  const shown = month.length === 0 ? ofFeeds : { ...ofFeeds, feeds: ofFeeds.feeds.map((each) => inMonths(each, month)) }
  const lines = windows || month.length > 0 ? windowLines(shown.feeds) : statusLines(shown)
  return { exitCode: check && shown.toDo.length > 0 ? 1 : 0, json: shown, compact: true, lines }
}

/** A feed with the windows of these months alone. Its figures are those of all. */
function inMonths(feed: FeedStatus, months: readonly Window[]): FeedStatus {
  const isIn = ({ id }: WindowStatus) => {
    const window = parseWindowId(id)
    return window !== undefined && months.some((month) => isInSpan(month, window))
  }
  return { ...feed, windows: feed.windows.filter(isIn) }
}

/** The status of one feed, and of what is about no feed. Undefined where the app does not know the feed. */
function ofFeed(all: Status, name: string): Status | undefined {
  const feeds = all.feeds.filter((feed) => feed.name === name)
  if (feeds.length === 0) return undefined
  return { ...all, toDo: all.toDo.filter(({ feed = name }) => feed === name), feeds }
}
