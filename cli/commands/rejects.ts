import { once } from 'node:events'
import type { Command } from 'commander'
import { isFailure } from '../../src/core/failures.ts'
import { type LedgerEntry, lastArchive } from '../../src/core/ledger/ledger.ts'
import { feedNotKnown } from '../../src/core/names.ts'
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
  if (options.feed !== undefined && feeds.length === 0) return refused([feedNotKnown(options.feed, names)])
  const { known, withRejects } = await readEntries(services, feeds, options)
  const wrong = feeds.length === 1 ? misnamedWindow(options, known) : undefined
  if (wrong !== undefined) return refused([`feed ${feeds[0]} ${wrong}`])
  const isNoneChosen = !known.some((window) => isChosen(options, window))
  if (options.window.length + options.month.length > 0 && isNoneChosen)
    return refused([`the ledger has no such window${options.feed === undefined ? '' : ` of feed ${options.feed}`}`])
  busy.end()
  let before = '['
  let count = 0
  for (const entry of withRejects) {
    for await (const reject of listRejects(services, entry)) {
      await write(options.json ? `${before}\n${JSON.stringify(reject)}` : `${lineOf(reject)}\n`)
      before = ','
      count++
    }
  }
  if (!options.json && count === 0) await write(isNoneChosen ? 'no window in that time\n' : 'no rejects\n')
  if (options.json) await write(before === '[' ? '[]\n' : '\n]\n')
  return written()
}

/** Reads the windows of the feeds, and the entries of those that are chosen and have rejects. */
async function readEntries({ ledger }: Services, feeds: readonly string[], options: Options) {
  const known: Window[] = []
  const withRejects: LedgerEntry[] = []
  for (const feed of feeds) {
    for await (const { window, value } of ledger.scan(feed)) {
      if (window) known.push(window)
      if (isFailure(value) || !isChosen(options, value.window)) continue
      if (lastArchive(value)?.rejects !== undefined) withRejects.push(value)
    }
  }
  return { known, withRejects }
}

function lineOf({ feed, window, line, lines = 1, column, reason }: ListedReject): string {
  const place = lines > 1 ? `lines ${line} to ${line + lines - 1}` : `line ${line}`
  return `${feed} ${window} ${place}: ${column === undefined ? '' : `${column} `}${reason}`
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}
