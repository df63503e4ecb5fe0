import { Argument, type Command } from 'commander'
import { agreeing, counted } from '../../src/core/counted.ts'
import type { Failure } from '../../src/core/failures.ts'
import { writesFiles } from '../../src/core/feeds/feed.ts'
import { whyPurged } from '../../src/core/ledger/feed-block.ts'
import { feedNotKnown } from '../../src/core/names.ts'
import { feedsWithHistory, type Question, viewBackfill } from '../../src/core/plan/backfill.ts'
import { historyOf, type RangedFeed } from '../../src/core/plan/feed-history.ts'
import { CHOICES, type Choice, whyNoHistory } from '../../src/core/plan/set-back.ts'
import { present } from '../../src/core/present.ts'
import type { Problem } from '../../src/core/problems.ts'
import { dayText } from '../../src/core/time/instants.ts'
import type { Window } from '../../src/core/time/window.ts'
import {
  type BackfillNow,
  pauseBackfill,
  readBackfill,
  type SetBack,
  setBackWindows,
  type UnreadableRow,
} from '../../src/steps/operator/backfill.ts'
import { type FilesAsked, publishFiles } from '../../src/steps/operator/publish-files.ts'
import { historyLines, leftLines, rehearsalLines, viewJson, withId } from '../backfill/lines.ts'
import { timersOf } from '../backfill/timers.ts'
import { type Looked, watchBackfill } from '../backfill/watch.ts'
import type { Busy } from '../busy.ts'
import { addCommand, type CommonOptions, differingFeeds, type LocalApp, withApp } from '../command.ts'
import { type CommandResult, done, print, refused } from '../output.ts'
import { addSpanOptions, isInSpan, type SpanOptions, wrongSpan } from '../windows.ts'

type Action = 'pause' | 'resume'

type Options = CommonOptions &
  SpanOptions & {
    readonly feed?: string
    readonly dryRun?: true
    readonly watch?: true
    readonly publish?: true
  } & Readonly<Partial<Record<Choice, true>>>

/** Shows the history of the feeds and lets a person pause it, watch it, and ask for parts of it again. */
export function addBackfill(program: Command): void {
  const command = addCommand(program, 'backfill', 'show the history of the feeds, or pause it, or ask for it again')
  addSpanOptions(command)
    .addArgument(
      new Argument('[action]', 'pause or resume the history of a feed, or of all').choices(['pause', 'resume']),
    )
    .option('--feed <name>', 'only this feed')
    .option('--dry-run', 'change nothing, and print each window in the order in which the app will ask for it')
    .option('--failed', 'ask for the failed windows again')
    .option(
      '--outdated',
      'ask again for the windows whose rows the feed no longer asks for; one that has not settled stays: the output says when the app asks for it by itself',
    )
    .option('--all', 'ask for every window again')
    .option('--publish', 'write the files of landed windows that have none, from their archives')
    .option('--watch', 'show the progress until history is done')
    .action((action: Action | undefined, options: Options) => {
      const wrong = wrongUse(action, options)
      if (wrong !== undefined) return print(options, async () => refused([wrong], 2))
      return withApp(options, (app, busy) => run(app, busy, action, options))
    })
}

/** Says why the options make no sense together. */
function wrongUse(action: Action | undefined, options: Options): string | undefined {
  const { from, to, dryRun, watch, publish } = options
  const chosen = CHOICES.filter((choice) => options[choice])
  if (chosen.length > 1) return `name one of --${chosen.join(' and --')}`
  const hasSpan = from !== undefined || to !== undefined
  const wrong = wrongSpan(options)
  if (wrong !== undefined) return wrong
  if (publish && (action || watch || chosen.length > 0))
    return '--publish goes with --feed, --from, --to and --dry-run alone'
  if (action && (chosen.length > 0 || hasSpan || dryRun || watch)) return `${action} takes no option but --feed`
  if (watch && (chosen.length > 0 || hasSpan || dryRun)) return '--watch goes with --feed alone'
  if (hasSpan && chosen.length === 0 && !dryRun && !publish)
    return '--from and --to go with --dry-run, --failed, --outdated, --all or --publish'
  return undefined
}

async function run(app: LocalApp, busy: Busy, action: Action | undefined, options: Options): Promise<CommandResult> {
  const known = await readBackfill(app.services)
  if (options.publish) return publishMissing(app, known, options)
  const feeds = feedsWithHistory([known], options.feed)
  if (feeds.length === 0) return refused(whyNoFeed(known, options.feed))
  // A person may pause whatever keeps the account from asking.
  if (action) {
    const kept = feeds.filter(({ row }) => row.purgedAt === undefined)
    if (kept.length === 0) return refused(feeds.flatMap(({ row }) => whyPurged(row) ?? []))
    return pause(app, kept, action === 'pause', unreadableRows(known, options, 'feed'))
  }
  if (feedsWithHistory(known.accounts, options.feed).length === 0) return refused(unreadableRows(known, options))
  // It has a line of its own that changes.
  if (options.watch) busy.end()
  if (options.watch) return watchBackfill(async () => look(app, await readBackfill(app.services), options), options)
  const choice = CHOICES.find((each) => options[each])
  const isPlan = choice !== undefined || options.dryRun === true
  const refusal = isPlan ? ((await differingFeeds(app)) ?? outsideOf(feeds, options, app.services.clock())) : undefined
  if (refusal !== undefined) return refused([refusal])
  if (choice && !options.dryRun) return askAgain(app, feeds, choice, options, unreadableRows(known, options))
  const { view, unreadable } = look(app, known, options, choice)
  return {
    ...done(viewJson(view), [...(isPlan ? rehearsalLines(view) : []), ...historyLines(view)]),
    problems: unreadable,
  }
}

/** How it stands with the feeds of the options, and what of them cannot be read. */
function look({ services, env }: LocalApp, known: BackfillNow, options: Options, choice?: Choice): Looked {
  const { feed, dryRun } = options
  const isAsked = (window: Window) => isInSpan(options, window)
  const question = present<Question>({ feed, choice, isInSpan: isAsked, asIfResumed: dryRun })
  const feeds = feedsWithHistory(known.accounts, feed)
  const entries = feeds.flatMap((each) => each.unreadable.map(({ failure }) => leftAlone(failure)))
  return {
    view: viewBackfill(services.clock(), known.accounts, timersOf(env), question),
    unreadable: [...unreadableRows(known, options), ...entries],
  }
}

/** The rows of feeds and accounts that cannot be read, as far as they stop the feed of the options, or all feeds. */
function unreadableRows(
  { unreadable }: BackfillNow,
  { feed }: Pick<Options, 'feed'>,
  of?: UnreadableRow['of'],
): readonly string[] {
  const own = unreadable.filter((row) => feed === undefined || row.feeds.includes(feed))
  return own.filter((row) => of === undefined || row.of === of).map(({ failure }) => leftAlone(failure))
}

function leftAlone({ message }: Failure): string {
  return `${message}; it is left alone`
}

function whyNoFeed(known: BackfillNow, name: string | undefined): readonly string[] {
  const unreadable = unreadableRows(known, name === undefined ? {} : { feed: name }, 'feed')
  if (name === undefined && known.feeds.length + unreadable.length === 0) {
    return ['the app knows no feed yet: it reads its feeds at its first tick; "doctor" says whether it runs']
  }
  if (name === undefined) return [...unreadable, 'the app knows no feed that has a history and whose row can be read']
  if (unreadable.length > 0) return unreadable
  const feed = known.feeds.find(({ row }) => row.feed.name === name)
  const names = known.feeds.map(({ row }) => row.feed.name)
  return [(feed && whyNoHistory(feed.row)) ?? feedNotKnown(name, names)]
}

/** Says that no window of the feeds lies in the time that was named, and where their windows begin. */
function outsideOf(feeds: readonly RangedFeed[], span: SpanOptions, now: Date): string | undefined {
  if (!span.from && !span.to) return undefined
  const windows = feeds.map((known) => [...historyOf(now, known), ...known.entries].map(({ window }) => window))
  if (windows.flat().some((window) => isInSpan(span, window))) return undefined
  const starts = feeds.map(({ row }, at) => {
    const [first] = (windows[at] ?? []).map(({ from }) => dayText(from)).toSorted()
    return `${row.feed.name} ${first === undefined ? 'has none' : `begins at ${first}`}`
  })
  return `no window lies in that time: ${starts.join(', ')}`
}

/** Pauses or resumes each feed by a write of its own. */
async function pause(
  { services }: LocalApp,
  feeds: readonly RangedFeed[],
  isPaused: boolean,
  unreadable: readonly string[],
): Promise<CommandResult> {
  const results = await Promise.all(
    feeds.map(async ({ row }) => {
      const { name } = row.feed
      return { feed: name, ...(await pauseBackfill(services, name, isPaused)) }
    }),
  )
  const problems = [...unreadable, ...results.flatMap((result) => ('problem' in result ? [result.problem] : []))]
  const said = isPaused ? 'paused; what is live goes on, and what is under way lands' : 'goes on at the next tick'
  const lines = results.flatMap((result) => {
    if ('problem' in result) return []
    return [`${result.feed}: history ${result.changed ? said : `${isPaused ? 'is paused' : 'goes on'} already`}`]
  })
  return { exitCode: problems.length === 0 ? 0 : 1, json: { feeds: results }, lines, problems }
}

/** Sets the chosen windows back, feed by feed. */
async function askAgain(
  { services }: LocalApp,
  feeds: readonly RangedFeed[],
  choice: Choice,
  options: Options,
  unreadable: readonly string[],
): Promise<CommandResult> {
  const results: (AskedAgain | ({ readonly feed: string } & Problem))[] = []
  for (const { row } of feeds) {
    const { name } = row.feed
    // Without a name it is about all feeds that can be asked.
    if (options.feed === undefined && whyNoHistory(row) !== undefined) continue
    const result = await setBackWindows(services, name, choice, (window) => isInSpan(options, window))
    results.push({ feed: name, ...result })
  }
  const ofFeeds = results.flatMap((result) =>
    'problem' in result ? [result.problem] : result.unreadable.map(leftAlone),
  )
  const problems = [...unreadable, ...ofFeeds]
  const waits = feeds.filter(({ row }) => row.backfillPaused || row.blocked)
  const lines = [
    ...results.flatMap((result) => ('problem' in result ? [] : askedLines(result))),
    ...waits.map(({ row }) => `${row.feed.name} ${row.backfillPaused ? PAUSED : BLOCKED}`),
  ]
  const json = { feeds: results.map((each) => ('problem' in each ? each : { ...each, left: each.left.map(withId) })) }
  return { exitCode: problems.length === 0 ? 0 : 1, json, lines, problems }
}

/** Has the missing files of all feeds written that publish files, or of one. */
async function publishMissing({ services }: LocalApp, known: BackfillNow, options: Options): Promise<CommandResult> {
  const { feed, dryRun = false } = options
  const publishing = known.feeds.filter(({ row }) => writesFiles(row.feed)).map(({ row }) => row.feed.name)
  const names = feed === undefined ? publishing : [feed]
  if (names.length === 0) return refused([...unreadableRows(known, options, 'feed'), NO_FILES])
  const results = []
  for (const name of names) {
    const isAsked = (window: Window) => isInSpan(options, window)
    results.push({ feed: name, ...(await publishFiles(services, name, isAsked, dryRun)) })
  }
  const ofFeeds = results.flatMap((each) => ('problem' in each ? [each.problem] : each.unreadable.map(leftAlone)))
  const problems = [...unreadableRows(known, options, 'feed'), ...ofFeeds]
  const json = { feeds: results.map((each) => ('problem' in each ? each : { ...each, left: each.left.map(withId) })) }
  const lines = results.flatMap((each) => ('problem' in each ? [] : fileLines(each, dryRun)))
  return { exitCode: problems.length === 0 ? 0 : 1, json, lines, problems }
}

const NO_FILES = 'no feed publishes files: give one "publish": ["table", "parquet"], and push it'

function fileLines(
  { feed, landing, left }: FilesAsked & { readonly feed: string },
  dryRun: boolean,
): readonly string[] {
  const would = counted(
    landing.length,
    'window would land again from its archive',
    'windows would land again from their archives',
  )
  const lands = counted(landing.length, 'window lands again from its archive', 'windows land again from their archives')
  return [`${feed}: ${dryRun ? would : lands}, with a file`, ...leftLines(left)]
}

type AskedAgain = { readonly feed: string } & SetBack

const PAUSED = 'is paused: nothing of its history is asked for until "backfill resume"'
const BLOCKED = 'is blocked: "status" shows why'

function askedLines({ feed, planned, left }: AskedAgain): readonly string[] {
  const all = planned.length + left.length
  const windows =
    left.length === 0
      ? counted(all, 'window is', 'windows are')
      : `${planned.length} of ${counted(all, 'window')} ${agreeing(planned.length, 'is', 'are')}`
  return [`${feed}: ${windows} asked for again, with its history`, ...leftLines(left)]
}
