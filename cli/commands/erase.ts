import { type Command, InvalidArgumentError } from 'commander'
import { counted } from '../../src/core/counted.ts'
import { PROGRAM } from '../../src/core/failures.ts'
import { parseWindowId, type Window, windowId } from '../../src/core/time/window.ts'
import { windowOption } from '../../src/core/time/words.ts'
import { pause } from '../../src/services/retry.ts'
import { awaitLanding } from '../../src/steps/operator/await-landing.ts'
import { allowAgain, type Erased, erase, findRows } from '../../src/steps/operator/erase.ts'
import type { Holding, Where } from '../../src/steps/operator/find-erased.ts'
import { addCommand, type CommonOptions, type LocalApp, withApp } from '../command.ts'
import { type CommandResult, done, print, refused } from '../output.ts'

type Options = CommonOptions & { readonly where: Where; readonly dryRun?: true; readonly allowAgain?: true }

const LOOK_EVERY_MS = 500

/** Erases the rows with a value, from table, archive and rejects, and keeps them from landing again. */
export function addErase(program: Command): void {
  addCommand(program, 'erase <feed>', 'erase the rows with a value, from table, archive and rejects, for good')
    .requiredOption('--where <column=value>', 'the column, and the value as a report has it', parseWhere)
    .option('--dry-run', 'change nothing, and print how many rows of each window would go')
    .option('--allow-again', 'let the value land again from now on')
    .action((feed: string, options: Options) => {
      if (options.dryRun && options.allowAgain)
        return print(options, async () => refused(['name one of --dry-run and --allow-again'], 2))
      return withApp(options, (app) => run(app, feed, options))
    })
}

function parseWhere(text: string): Where {
  const at = text.indexOf('=')
  const [column, value] = [text.slice(0, Math.max(at, 0)).trim(), text.slice(at + 1).trim()]
  if (column === '' || value === '') throw new InvalidArgumentError('It must look like CustomerName=Contoso.')
  return { column, value }
}

async function run({ services }: LocalApp, feed: string, { where, ...options }: Options): Promise<CommandResult> {
  if (options.allowAgain) {
    const allowed = await allowAgain(services, feed, where)
    if ('problem' in allowed) return refused([allowed.problem])
    const { lacking, imported } = allowed
    const now = `${feed}: the value lands again from now on`
    const json = { feed, ...allowed, lacking: lacking.map(windowId), imported: imported.map(windowId) }
    return done(json, [now, ...comeBack(feed, lacking, imported)])
  }
  const found = options.dryRun ? await findRows(services, feed, where) : await erase(services, feed, where)
  if ('problem' in found) return refused([found.problem])
  const unknown = found.unknown.map(({ problem }) => problem)
  const nothing = `${feed}: nothing in the ledger and the archive has this value as a whole cell`
  const windows: readonly (Holding | Erased)[] = found.windows
  const lines: string[] = []
  const problems: string[] = []
  for (const window of windows) {
    const outcome = await outcomeOf(services, feed, window)
    if ('problem' in outcome) problems.push(outcome.problem)
    else lines.push(outcome.line)
  }
  return {
    exitCode: problems.length + unknown.length === 0 ? 0 : 1,
    json: { feed, dryRun: options.dryRun === true, windows, unknown },
    lines: windows.length === 0 ? [nothing] : lines,
    problems: [...problems, ...unknown],
  }
}

/** What brings back the rows that landings left out. */
function comeBack(feed: string, lacking: readonly Window[], imported: readonly Window[]): readonly string[] {
  const asked = lacking.filter((window) => !imported.includes(window))
  // Each by its name: between them lie windows that lack nothing, or hold a file.
  const retry = `${PROGRAM} retry ${feed} ${asked.map(windowOption).join(' ')}`
  return [
    ...(asked.length > 0 ? [`${counted(asked.length, 'window')} landed without erased rows. Type: ${retry}`] : []),
    ...imported.map((window) => `A file landed without erased rows: import it again, with ${windowOption(window)}`),
  ]
}

/** Says what would go of a window, or waits until it has gone. */
async function outcomeOf(
  services: LocalApp['services'],
  feed: string,
  found: Holding | Erased,
): Promise<{ readonly line: string } | { readonly problem: string }> {
  const about = `${feed} ${found.window}`
  const held = `${counted(found.rows, 'row')}, ${counted(found.files, 'file')}`
  if ('problem' in found) return { problem: found.problem }
  if ('removed' in found) return { line: `${about}: erased ${held}` }
  const window = parseWindowId(found.window)
  if (!('attempt' in found) || !window) return { line: `${about}: ${held}` }
  const landed = await awaitLanding(services, feed, window, () => pause(LOOK_EVERY_MS))
  if ('problem' in landed) return { problem: `${about}: not erased yet, erase again: ${landed.problem}` }
  return {
    line: `${about}: erased ${held}; ${counted(landed.rows, 'row stays', 'rows stay')} (attempt ${landed.attempt})`,
  }
}
