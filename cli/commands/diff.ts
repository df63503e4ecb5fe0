import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { counted } from '../../src/core/counted.ts'
import type { Problem } from '../../src/core/problems.ts'
import { windowId } from '../../src/core/time/window.ts'
import { type Diff, diff } from '../../src/steps/operator/diff.ts'
import type { Busy } from '../busy.ts'
import { addCommand, type LocalApp, withApp } from '../command.ts'
import { diffLines } from '../diff/lines.ts'
import { type CommandResult, print, refused } from '../output.ts'
import { keepHeapSmall } from '../small-heap.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { addChangeOptions, type ChangeOptions, findWindows, wrongChoice } from '../windows.ts'

type Options = ChangeOptions & { readonly attempt: readonly number[]; readonly rows: number }

/** So many rows of each kind are held in memory and printed at most. */
const MOST_ROWS = 100

/** Compares two landings of a window by their archives: what is published with what landed before it. */
export function addDiff(program: Command): void {
  const command = addCommand(program, 'diff [feed]', 'show what the last landing of a window changed')
  addChangeOptions(command)
    .option(
      '--attempt <number>',
      'an attempt to compare with what is published; twice: two, the earlier state first',
      collectAttempt,
      [],
    )
    .option('--rows <number>', `print so many rows of each kind, 0 to ${MOST_ROWS}`, parseRows, 10)
    .action((feed: string | undefined, options: Options) => {
      const name = feed ?? options.feed
      const wrong = wrongUse(feed, options)
      if (name === undefined || wrong !== undefined)
        return print(options, async () => refused([wrong ?? 'name the feed (add --help for all options)'], 2))
      return withApp(options, (app, busy) => compare(app, busy, name, options))
    })
}

function collectAttempt(text: string, before: readonly number[]): readonly number[] {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.')
  return [...before, Number(text)]
}

function parseRows(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > MOST_ROWS)
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${MOST_ROWS}.`)
  return Number(text)
}

/** Says why the options make no sense together. */
function wrongUse(feed: string | undefined, options: Options): string | undefined {
  const { attempt, window, month } = options
  if (attempt.length > 2) return '--attempt is given more than twice: two attempts are compared'
  if (attempt.length > 0 && window.length + month.length !== 1) return '--attempt goes with one --window or --month'
  return wrongChoice(feed, options)
}

async function compare({ services }: LocalApp, busy: Busy, feed: string, options: Options): Promise<CommandResult> {
  keepHeapSmall()
  const windows = await findWindows(services, feed, options)
  if ('problem' in windows) return refused([windows.problem])
  try {
    const results = await inTemporaryFolder(async (folder, signal) => {
      const all: (Diff | ({ readonly window: string } & Problem))[] = []
      for (const window of windows) {
        const room = join(folder, windowId(window))
        await mkdir(room)
        const progress = (attempt: number, rows: number) =>
          busy.say(`reading attempt ${attempt}: ${counted(rows, 'row')}`)
        const { attempt: attempts, rows } = options
        const found = await diff(services, feed, window, { attempts, rows, folder: room, signal, progress })
        all.push('problem' in found ? { window: windowId(window), ...found } : found)
        await rm(room, { recursive: true, maxRetries: 3 })
      }
      return all
    })
    if (results === 'interrupted') return { exitCode: 130, json: { problems: [] }, lines: [] }
    const problems = results.flatMap((result) => ('problem' in result ? [result.problem] : []))
    const lines = results.flatMap((result) => ('problem' in result ? [] : diffLines(result)))
    return { exitCode: problems.length === 0 ? 0 : 1, json: { feed, windows: results }, lines, problems }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    return refused([
      `${tmpdir()} has no room for the rows of two landings: name another folder in TMPDIR (Windows: TEMP)`,
    ])
  }
}
