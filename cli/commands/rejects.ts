import { once } from 'node:events'
import type { Command } from 'commander'
import { isFailure } from '../../src/core/failures.ts'
import type { Window } from '../../src/core/time/window.ts'
import { readableFeeds } from '../../src/steps/ledger/feed-row.ts'
import { type ListedReject, listRejects } from '../../src/steps/operator/rejects.ts'
import type { Services } from '../../src/steps/services.ts'
import type { Busy } from '../busy.ts'
import { addCommand, type CommonOptions, withApp } from '../command.ts'
import { type CommandResult, refused, written } from '../output.ts'
import { addWindowOptions, isChosen, misnamedWindow, type WindowOptions } from '../windows.ts'

type Options = CommonOptions & WindowOptions & { readonly feed?: string }

/** Lists the rows that could not land. --json prints every field of each reject, as one list. */
export function addRejects(program: Command): void {
  const command = addCommand(program, 'rejects', 'list the rows that could not land, with line and reason')
  addWindowOptions(command)
    .option('--feed <name>', 'only of this feed')
    .action((options: Options) => withApp(options, ({ services }, busy) => list(services, options, busy)))
}

/** Writes the list while reading it, because it can have any length. */
async function list(services: Services, options: Options, busy: Busy): Promise<CommandResult> {
  const names = readableFeeds(await services.ledger.appRows()).map(({ feed }) => feed.name)
  const feeds = names.filter((name) => options.feed === undefined || name === options.feed)
  if (options.feed !== undefined && feeds.length === 0) return refused([`feed ${options.feed} is not known to the app`])
  const known = await knownWindows(services, feeds, options)
  const wrong = feeds.length === 1 ? misnamedWindow(options, known.all) : undefined
  if (wrong !== undefined) return refused([`feed ${feeds[0]} ${wrong}`])
  if (options.window.length + options.month.length > 0 && known.chosen === 0)
    return refused([`the ledger has no such window${options.feed === undefined ? '' : ` of feed ${options.feed}`}`])
  busy.end()
  let before = '['
  let count = 0
  for await (const reject of rejectsOf(services, feeds, options)) {
    await write(options.json ? `${before}\n${JSON.stringify(reject)}` : `${lineOf(reject)}\n`)
    before = ','
    count++
  }
  if (!options.json && count === 0) await write(known.chosen === 0 ? 'no window in that time\n' : 'no rejects\n')
  if (options.json) await write(before === '[' ? '[]\n' : '\n]\n')
  return written()
}

/** The windows of the feeds, and how many of them are chosen. */
async function knownWindows({ ledger }: Services, feeds: readonly string[], options: Options) {
  const all: Window[] = []
  for (const feed of feeds) for await (const { window } of ledger.scan(feed)) if (window) all.push(window)
  return { all, chosen: all.filter((window) => isChosen(options, window)).length }
}

async function* rejectsOf(services: Services, feeds: readonly string[], options: Options): AsyncIterable<ListedReject> {
  for (const feed of feeds) {
    for (const entry of await services.ledger.entries(feed)) {
      if (isFailure(entry) || !isChosen(options, entry.window)) continue
      yield* listRejects(services, entry)
    }
  }
}

function lineOf({ feed, window, line, lines = 1, column, reason }: ListedReject): string {
  const place = lines > 1 ? `lines ${line} to ${line + lines - 1}` : `line ${line}`
  return `${feed} ${window} ${place}: ${column === undefined ? '' : `${column} `}${reason}`
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}
