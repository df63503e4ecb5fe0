import type { Command } from 'commander'
import { counted } from '../../src/core/counted.ts'
import { findHoldings, purge } from '../../src/steps/operator/purge.ts'
import { addCommand, type CommonOptions, type LocalApp, withApp } from '../command.ts'
import { type CommandResult, done, print, refused } from '../output.ts'
import { twoFeeds } from '../windows.ts'

type Options = CommonOptions & { readonly feed?: string; readonly dryRun?: true }

/** Removes everything of a feed that asks for nothing any more. */
export function addPurge(program: Command): void {
  addCommand(program, 'purge [feed]', 'remove everything of a feed that asks for nothing any more')
    .option('--feed <name>', 'the feed, if it is not the first argument')
    .option('--dry-run', 'change nothing, and print what would go')
    .action((argument: string | undefined, options: Options) => {
      const feed = argument ?? options.feed
      const wrong = feed === undefined ? 'name the feed: purge <feed>' : twoFeeds(argument, options.feed)
      if (feed === undefined || wrong !== undefined) return print(options, async () => refused([wrong ?? ''], 2))
      return withApp(options, (app) => run(app, feed, options))
    })
}

async function run({ services }: LocalApp, feed: string, { dryRun }: Options): Promise<CommandResult> {
  const held = dryRun ? await findHoldings(services, feed) : await purge(services, feed)
  if ('problem' in held) return refused([held.problem])
  const { windows, rows, files } = held
  const what = [counted(windows, 'window'), counted(rows, 'row'), counted(files, 'file')].join(', ')
  const line = dryRun ? `${feed}: ${what}` : `${feed}: purged ${what}; the app frees its table within two hours`
  return done({ feed, dryRun: dryRun === true, ...held }, [line])
}
