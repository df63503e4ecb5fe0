import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CATALOG } from '../../src/core/catalog.ts'
import { counted } from '../../src/core/counted.ts'
import { isFailure } from '../../src/core/failures.ts'
import { compareFeeds, type FeedChange } from '../../src/core/feeds/compare.ts'
import type { Feed } from '../../src/core/feeds/feed.ts'
import { catalogueVerdict } from '../../src/core/feeds/feed-query.ts'
import { type FeedsFile, parseEachFeed, parseFeeds } from '../../src/core/feeds/feeds.ts'
import { laterStartWarnings } from '../../src/core/feeds/history.ts'
import type { Problems } from '../../src/core/problems.ts'
import { readFeedsText } from '../../src/services/storage/feeds-file.ts'
import { readText } from '../../src/services/text-file.ts'
import { findLosses, type Loss } from '../../src/steps/operator/shorter-keep.ts'
import { findForbiddenChange } from '../../src/steps/requesting/forbidden-change.ts'
import { addCommand, type CommonOptions, differingFeeds, type LocalApp, withApp } from '../command.ts'
import { type CommandResult, done, refused } from '../output.ts'
import { writeFeedsText } from '../pushed-feeds.ts'

type PushOptions = CommonOptions & { readonly dryRun?: true; readonly yes?: true }

/** Pushes the local feeds to the app, pulls the feeds of the app, or shows how they differ. */
export function addFeeds(program: Command): void {
  const feeds = program.command('feeds').description('push, pull or compare the feeds of the app')
  const add = (name: string, description: string) => addCommand(feeds, name, description)
  add('push', 'give the local feeds to the app, which reads them at its next tick')
    .option('--dry-run', 'change nothing, and print how the feeds would change, and what would be removed')
    .option('--yes', 'also push a "keep" by which windows are removed')
    .action((options: PushOptions) => withApp(options, (app) => push(app, options)))
  add('pull', 'overwrite the local feeds with those that were pushed').action((options: CommonOptions) =>
    withApp(options, pull),
  )
  add('diff', 'show how the local feeds differ from those of the app').action((options: CommonOptions) =>
    withApp(options, diff),
  )
}

async function push(app: LocalApp, { dryRun, yes }: PushOptions): Promise<CommandResult> {
  const local = await readPushable(app)
  if ('problems' in local) return refused(local.problems)
  const { text, file, warnings } = local
  const losses = await findLosses(app.services, file.feeds)
  const lost = losses.map(lossLine)
  const told = warnings.map((warning) => `warning: ${warning}`)
  if (dryRun) {
    const changes = await changesOf(app, file)
    return done({ dryRun, changes, removes: losses, warnings }, [...told, ...changeLines(changes), ...lost])
  }
  if (losses.length > 0 && !yes) return refused([...lost, 'nothing was pushed: add --yes if these windows may go'])
  await writeFeedsText(await app.storage.container('config'), text)
  const names = file.feeds.map(({ name }) => name)
  const pushed = `pushed ${counted(names.length, 'feed')}; the app reads them at its next tick`
  return done({ pushed: names, removes: losses, warnings }, [...told, ...lost, pushed])
}

/** Reads the local feeds, with what to warn of; the problems where the catalogue or the app would refuse them. */
async function readPushable(
  app: LocalApp,
): Promise<(LocalFeeds & { readonly warnings: readonly string[] }) | Problems> {
  const local = await readLocalFeeds(app.feedsFile)
  if ('problems' in local) return local
  const { feeds, warnings } = local.file
  const verdicts = feeds.map(catalogueVerdict)
  const problems = verdicts.flatMap((verdict) => verdict.problems)
  if (problems.length > 0) return { problems }
  const forbidden = await forbiddenChanges(app, local.file)
  if (forbidden.length > 0) return { problems: forbidden }
  // The service may offer what the catalogue does not know yet.
  const reach = laterStartWarnings(feeds, CATALOG, new Date())
  return { ...local, warnings: [...warnings, ...reach, ...verdicts.flatMap(({ doubts }) => doubts)] }
}

function lossLine({ feed, windows, rows }: Loss): string {
  return `${feed}: "keep" removes ${counted(windows, 'window')} with ${counted(rows, 'row')} for good, within two days of the next tick`
}

async function pull({ storage, feedsFile }: LocalApp): Promise<CommandResult> {
  const pushed = await pushedText(storage)
  if (pushed === undefined) return refused(['no feeds were pushed: the app uses those it was deployed with'])
  await writeFile(feedsFile, pushed)
  return done({ pulled: feedsFile }, [`${feedsFile} now has the feeds that were pushed`])
}

async function diff(app: LocalApp): Promise<CommandResult> {
  const local = await readLocalFeeds(app.feedsFile)
  if ('problems' in local) return refused(local.problems)
  const forbidden = await forbiddenChanges(app, local.file)
  const changes = await changesOf(app, local.file)
  return done({ same: changes.length === 0, changes, refused: forbidden }, [...changeLines(changes), ...forbidden])
}

/** How the local feeds differ from those that were pushed, else from those that the app last read. */
async function changesOf(app: LocalApp, { feeds }: FeedsFile): Promise<readonly FeedChange[]> {
  const pushed = await pushedText(app.storage)
  if (pushed !== undefined) return compareFeeds(feedsIn(pushed), feeds)
  return (await differingFeeds(app)) === undefined ? [] : compareFeeds(await storedFeeds(app), feeds)
}

function changeLines(changes: readonly FeedChange[]): readonly string[] {
  return changes.length > 0 ? changes.map(lineOf) : ['no feed differs']
}

/** What the app would refuse of the local feeds. Other than what is wrong with them, only the ledger knows that. */
async function forbiddenChanges({ services }: LocalApp, { feeds, accounts }: FeedsFile): Promise<readonly string[]> {
  await services.ledger.create()
  const app = await services.ledger.appRows()
  // A tenant in the settings is that of whoever types the command, and may not be the app's.
  return feeds.flatMap((feed) => findForbiddenChange(app, feed, accounts[feed.account]?.tenantId)?.message ?? [])
}

/** The local feeds; `text` is what `push` stores. */
type LocalFeeds = { readonly text: string; readonly file: FeedsFile }

async function readLocalFeeds(feedsFile: string): Promise<LocalFeeds | Problems> {
  const text = await readText(feedsFile).catch(() => undefined)
  if (text === undefined) return { problems: [`${feedsFile} cannot be read`] }
  const file = parseFeeds(text, CATALOG)
  return 'problems' in file ? file : { text, file }
}

/** The feeds that were pushed, or undefined while the app uses those it was deployed with. */
async function pushedText(storage: LocalApp['storage']): Promise<string | undefined> {
  const { text, source } = await readFeedsText(await storage.container('config'), async () => '')
  return source === 'container' ? text : undefined
}

/** The feeds as the app last read them from the file it was deployed with. */
async function storedFeeds({ services }: LocalApp): Promise<readonly Feed[]> {
  return (await services.ledger.feeds()).flatMap((row) => (isFailure(row) ? [] : row.feed))
}

function feedsIn(text: string): readonly Feed[] {
  const file = parseEachFeed(text, CATALOG)
  return 'problems' in file ? [] : file.feeds
}

function lineOf(change: FeedChange): string {
  if (change.change !== 'changed') return `${change.change === 'added' ? '+' : '-'} ${change.feed}`
  return `~ ${change.feed}: ${change.fields.join(', ')}`
}
