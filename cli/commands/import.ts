import { constants, createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { agreeing, counted } from '../../src/core/counted.ts'
import { listed } from '../../src/core/names.ts'
import { type Window, windowId } from '../../src/core/time/window.ts'
import { pause } from '../../src/services/retry.ts'
import { awaitLanding } from '../../src/steps/operator/await-landing.ts'
import { columnsLacked, importReport } from '../../src/steps/operator/import-report.ts'
import { addCommand, type CommonOptions, differingFeeds, type LocalApp, withApp } from '../command.ts'
import { type CommandResult, done, print, refused } from '../output.ts'
import { addNamedOptions, type NamedOptions, onlyWindow } from '../windows.ts'

type Options = CommonOptions & NamedOptions

const LOOK_EVERY_MS = 500

/** So many columns that a file lacks are named. */
const MOST_NAMED = 5

/** Lands a file as the next attempt of a window, and waits for the result. Use it for what the service no longer offers. */
export function addImport(program: Command): void {
  const usage = 'land a file (CSV or TSV, also compressed) as a window of a feed'
  addNamedOptions(addCommand(program, 'import <feed> <file>', usage)).action(
    (feed: string, file: string, options: Options) => {
      const window = onlyWindow(options)
      if ('problem' in window) return print(options, async () => refused([window.problem], 2))
      return withApp(options, (app) => importFile(app, feed, file, window))
    },
  )
}

async function importFile(app: LocalApp, feed: string, file: string, window: Window): Promise<CommandResult> {
  const isReadable = await access(file, constants.R_OK).then(
    () => true,
    () => false,
  )
  if (!isReadable) return refused([`${file} cannot be read`])
  const differs = await differingFeeds(app)
  if (differs !== undefined) return refused([differs])
  const bytes = () => createReadStream(file) as AsyncIterable<Buffer>
  const imported = await importReport(app.services, feed, window, { name: basename(file), bytes })
  if ('problem' in imported) return refused([imported.problem])
  const landed = await awaitLanding(app.services, feed, window, () => pause(LOOK_EVERY_MS))
  if ('problem' in landed) return refused([landed.problem])
  const id = windowId(window)
  const line = `${feed} ${id}: landed ${counted(landed.rows, 'row')}, rejected ${landed.rejected} (attempt ${landed.attempt})`
  const lacked = await columnsLacked(app.services, feed, imported.archive)
  return done({ feed, window: id, ...imported, ...landed, lacked }, [line, ...linesOnLacked(lacked)])
}

function linesOnLacked(lacked: readonly string[]): readonly string[] {
  if (lacked.length === 0) return []
  const [shown, left] = [lacked.slice(0, MOST_NAMED), lacked.length - MOST_NAMED]
  const names = left > 0 ? `${listed(shown)} and ${left} more` : listed(shown)
  const they = agreeing(lacked.length, 'it lands', 'they land')
  return [`the file lacks ${counted(lacked.length, 'column')} that the feed selects: ${names}; ${they} without values`]
}
