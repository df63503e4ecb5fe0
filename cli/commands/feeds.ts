import { constants, copyFile, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CATALOG } from '../../src/core/catalog.ts'
import { counted } from '../../src/core/counted.ts'
import { isFailure } from '../../src/core/failures.ts'
import { compareFeeds, type FeedChange } from '../../src/core/feeds/compare.ts'
import type { Feed } from '../../src/core/feeds/feed.ts'
import { checkFeeds, type FeedsFile, parseEachFeed, parseFeeds } from '../../src/core/feeds/feeds.ts'
import type { FeedRow } from '../../src/core/ledger/feed-row.ts'
import type { Problems } from '../../src/core/problems.ts'
import { reasonOf } from '../../src/services/safe-text.ts'
import { readFeedsText } from '../../src/services/storage/feeds-file.ts'
import { readText } from '../../src/services/text-file.ts'
import { countOutdatedBy, type OutdatedBy } from '../../src/steps/operator/outdated-by.ts'
import { findLosses, type Loss } from '../../src/steps/operator/shorter-keep.ts'
import { findForbiddenChange } from '../../src/steps/requesting/forbidden-change.ts'
import { addCommand, type CommonOptions, differingFeeds, type LocalApp, withApp } from '../command.ts'
import { tellOfFeeds, warningLines } from '../feed-warnings.ts'
import { readLocalText } from '../local-feeds.ts'
import { type CommandResult, done, refused } from '../output.ts'
import { writeFeedsText } from '../pushed-feeds.ts'

type PushOptions = CommonOptions & { readonly dryRun?: true; readonly yes?: true }

/** Pushes the local feeds to the app, pulls the feeds of the app, or shows how they differ. */
export function addFeeds(program: Command): void {
  const feeds = program.command('feeds').description('push, pull or compare the feeds of the app')
  const add = (name: string, description: string) => addCommand(feeds, name, description)
  add('push', 'give the local feeds to the app, which reads them at its next tick')
    .option('--dry-run', 'change nothing, and print how the feeds would change, and what would stop or be removed')
    .option('--yes', 'also push what makes feeds stop, or a "keep" by which windows are removed')
    .action((options: PushOptions) => withApp(options, (app) => push(app, options)))
  add('pull', 'overwrite the local feeds with those that were pushed, and keep a copy of them').action(
    (options: CommonOptions) => withApp(options, pull),
  )
  add('diff', 'show how the local feeds differ from those of the app').action((options: CommonOptions) =>
    withApp(options, diff),
  )
}

async function push(app: LocalApp, { dryRun, yes }: PushOptions): Promise<CommandResult> {
  const local = await readPushable(app)
  if ('problems' in local) return refused(local.problems)
  const { text, file, warnings } = local
  const before = await feedsBefore(app, file)
  const changes = compareFeeds(before, file.feeds)
  const losses = await findLosses(app.services, file.feeds)
  const then = new Map(file.feeds.map((feed) => [feed.name, feed]))
  const stops = before.filter((feed) => feed.enabled && !then.get(feed.name)?.enabled).map(({ name }) => name)
  const gone = [...stops.map((feed) => stopLine(feed, then.has(feed))), ...losses.map(lossLine)]
  const told = [...warningLines(warnings), ...(await changeLines(app, changes, file.feeds))]
  const needsYes = gone.length > 0 && !yes
  if (dryRun) {
    const asks = needsYes ? [`a push wants --yes, if ${mayGo(stops, losses)}`] : []
    return done({ dryRun, changes, stops, removes: losses, warnings }, [...told, ...gone, ...asks])
  }
  if (needsYes) {
    const problems = [...gone, `nothing was pushed: add --yes if ${mayGo(stops, losses)}`]
    return { ...refused(problems), lines: told }
  }
  await writeFeedsText(await app.storage.container('config'), text)
  const names = file.feeds.map(({ name }) => name)
  return done({ pushed: names, changes, stops, removes: losses, warnings }, [
    ...told,
    ...gone,
    `pushed ${counted(names.length, 'feed')} (${sumOf(changes)}); the app reads them at its next tick`,
  ])
}

/** Reads the local feeds, with what to warn of; the problems where the catalogue or the app would refuse them. */
async function readPushable(
  app: LocalApp,
): Promise<(LocalFeeds & { readonly warnings: readonly string[] }) | Problems> {
  const local = await readLocalFeeds(app.feedsFile, parseSound)
  if ('problems' in local) return local
  const forbidden = await forbiddenChanges(app, local.file)
  if (forbidden.length > 0) return { problems: forbidden }
  const known = await rows(app)
  const since = new Map(known.map((row) => [row.feed.name, new Date(row.since)]))
  const { maxReportsPerHour } = app.settings.limits
  const { warnings } = tellOfFeeds(local.file, { maxReportsPerHour, since, now: new Date() })
  const purged = known.filter(
    (row) => row.purgedAt !== undefined && local.file.feeds.some(({ name }) => name === row.feed.name),
  )
  return { ...local, warnings: [...warnings, ...purged.map(purgedWarning)] }
}

function purgedWarning({ feed: { name } }: FeedRow): string {
  return `feed "${name}": it was purged, and its old rows are still being removed; the app takes it once they are gone`
}

function stopLine(feed: string, isInFile: boolean): string {
  return `${feed} stops: it is ${isInFile ? 'disabled' : 'not in the file'}, so nothing new is asked for; its rows stay`
}

function lossLine({ feed, windows, rows }: Loss): string {
  return `${feed}: "keep" removes ${counted(windows, 'window')} with ${counted(rows, 'row')} for good, within two days of the next tick`
}

function mayGo(stops: readonly string[], losses: readonly Loss[]): string {
  const parts = [
    ...(stops.length > 0 ? ['these feeds may stop'] : []),
    ...(losses.length > 0 ? ['these windows may go'] : []),
  ]
  return parts.join(' and ')
}

function sumOf(changes: readonly FeedChange[]): string {
  const count = (kind: FeedChange['change']) => changes.filter(({ change }) => change === kind).length
  return `${count('added')} added, ${count('changed')} changed, ${count('removed')} removed`
}

async function pull({ storage, feedsFile }: LocalApp): Promise<CommandResult> {
  const pushed = await pushedText(storage)
  if (pushed === undefined) return refused(['no feeds were pushed: the app uses the feeds.json that it was built with'])
  const local = await readText(feedsFile).catch(() => undefined)
  const backup = local === undefined || local === pushed ? undefined : await backUp(feedsFile)
  const problem = await writeFile(feedsFile, pushed).then(() => undefined, reasonOf)
  if (problem !== undefined) return refused([`${feedsFile} cannot be written (${problem})`])
  const kept = backup === undefined ? [] : [`${backup} has what was in ${feedsFile} before`]
  return done({ pulled: feedsFile, ...(backup !== undefined && { backup }) }, [
    `${feedsFile} now has the feeds that the app was given`,
    ...kept,
  ])
}

/** Copies a file beside itself, under a name that no file has. Gives that name. */
async function backUp(file: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = `${file}.${number}.bak`
    try {
      await copyFile(file, name, constants.COPYFILE_EXCL)
      return name
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

async function diff(app: LocalApp): Promise<CommandResult> {
  const local = await readLocalFeeds(app.feedsFile)
  if ('problems' in local) return refused(local.problems)
  const forbidden = await forbiddenChanges(app, local.file)
  const changes = compareFeeds(await feedsBefore(app, local.file), local.file.feeds)
  return done({ same: changes.length === 0, changes, refused: forbidden }, [
    ...(await changeLines(app, changes, local.file.feeds)),
    ...forbidden,
  ])
}

/**
 * The feeds to compare the local ones with: those that were pushed, else (or where that file cannot be read) those that the app
 * last read.
 */
async function feedsBefore(app: LocalApp, { feeds }: FeedsFile): Promise<readonly Feed[]> {
  const pushed = await pushedText(app.storage)
  const before = pushed === undefined ? undefined : feedsIn(pushed)
  if (before) return before
  if (pushed === undefined && (await differingFeeds(app)) === undefined) return feeds
  // A feed that left the file before is still in the ledger.
  const isKnown = ({ name, enabled }: Feed) => enabled || feeds.some((each) => each.name === name)
  return (await rows(app)).map(({ feed }) => feed).filter(isKnown)
}

async function changeLines(
  app: LocalApp,
  changes: readonly FeedChange[],
  feeds: readonly Feed[],
): Promise<readonly string[]> {
  if (changes.length === 0) return ['no feed differs']
  const known = await rows(app)
  return Promise.all(changes.map((change) => lineOf(app, change, feeds, known)))
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

async function readLocalFeeds(feedsFile: string, read = parseFeeds): Promise<LocalFeeds | Problems> {
  const local = await readLocalText(feedsFile)
  if ('problems' in local) return local
  const file = read(local.text, CATALOG, feedsFile)
  return 'problems' in file ? file : { ...local, file }
}

/** Reads the feeds as `parseFeeds` does, and also refuses queries that the catalogue finds wrong. */
function parseSound(...of: Parameters<typeof checkFeeds>): FeedsFile | Problems {
  const { problems, ...file } = checkFeeds(...of)
  return problems.length > 0 ? { problems } : file
}

/** The feeds that were pushed, or undefined while the app uses those it was deployed with. */
async function pushedText(storage: LocalApp['storage']): Promise<string | undefined> {
  const { text, source } = await readFeedsText(await storage.container('config'), async () => '')
  return source === 'container' ? text : undefined
}

/** The feeds as the app last read them, and those that left the file since. */
async function rows({ services }: LocalApp): Promise<readonly FeedRow[]> {
  return (await services.ledger.feeds()).flatMap((row) => (isFailure(row) ? [] : row))
}

/** The feeds in a text that can be used; undefined where the file as a whole cannot. */
function feedsIn(text: string): readonly Feed[] | undefined {
  const file = parseEachFeed(text, CATALOG)
  return 'problems' in file ? undefined : file.feeds
}

async function lineOf(
  { services }: LocalApp,
  change: FeedChange,
  feeds: readonly Feed[],
  known: readonly FeedRow[],
): Promise<string> {
  const { feed: name } = change
  if (change.change !== 'changed') return `${change.change === 'added' ? '+' : '-'} ${name}`
  const row = known.find(({ feed }) => feed.name === name)
  const feed = feeds.find((each) => each.name === name)
  const mayOutdate = change.fields.some((field) => OUTDATING.includes(field))
  const outdated = row && feed && mayOutdate ? await countOutdatedBy(services, row, feed) : undefined
  return `~ ${name}: ${change.fields.join(', ')}${outdated ? outdatedWords(name, outdated) : ''}`
}

/** The fields that may decide which rows a feed asks for. What ties its name to its rows never changes. */
const OUTDATING: readonly string[] = ['query', 'queryId', 'where', 'distinct', 'columns']

function outdatedWords(feed: string, { windows, staying }: OutdatedBy): string {
  if (windows === 0) return ''
  const are = `${counted(windows, 'landed window is', 'landed windows are')} outdated then`
  if (staying === windows) return `; ${are}, and not complete: the service may not have their time any more`
  const all = `not complete until "backfill --outdated --feed ${feed}" has brought them anew`
  const but = staying > 0 ? `, which it cannot of ${staying}: the service may not have their time any more` : ''
  return `; ${are}, and ${all}${but}`
}
