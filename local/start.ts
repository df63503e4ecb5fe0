/** `npm start`: the whole system on one machine. */

import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CATALOG } from '../src/core/catalog.ts'
import { parseFeeds } from '../src/core/feeds/feeds.ts'
import { reasonOf } from '../src/services/safe-text.ts'
import { isMissing, readText } from '../src/services/text-file.ts'
import { build } from './build.ts'
import { whenOrphaned } from './orphaned.ts'
import { portProblem } from './processes.ts'
import { LOCAL_PACE, writeSettings } from './start/environment.ts'
import { claim } from './start/only-one.ts'
import { keptByNpm, readOptions, type StartOptions, USAGE } from './start/options.ts'
import { progressLine } from './start/progress.ts'
import { withReportFiles } from './start/report-files.ts'
import { type Stack, startStack } from './start/stack.ts'
import { allLanded, heldBack, isSettled, quotaWaits, type StatusBody, summarise } from './start/summary.ts'

/** Npm may end before all has started. */
const orphaned = whenOrphaned()

const ROOT = join(import.meta.dirname, '..')
const STATE = join(ROOT, '.local')

/** The file in it that says which process runs. */
const RUNNING = 'running.json'

/** `npm start`: runs everything on this machine, from the timer to the table row. Gives the exit code. */
async function start(options: StartOptions): Promise<number> {
  await mkdir(STATE, { recursive: true })
  const { ending, release } = await claim(join(STATE, RUNNING), options.port)
  return startAlone(options, ending).finally(release)
}

async function startAlone(options: StartOptions, ending: () => Promise<void>): Promise<number> {
  const wrong = await portProblem(options.port)
  if (wrong !== undefined) {
    throw new Error(`port ${options.port} ${wrong}: choose another with --port`)
  }
  const { feeds: file = 'feeds.json' } = options
  const feedsText = await readFeeds(options)
  refuseProblems(feedsText, file)
  const feeds = await withReportFiles(feedsText, file, options.reportFiles)
  refuseProblems(feeds.text, file)
  if (options.fresh) await forget()
  await build()
  const began = new Date()
  const ownFeeds = options.feeds !== undefined || options.reportFiles.size > 0
  const stack = await startStack({ root: ROOT, folder: STATE, port: options.port, feeds, ownFeeds, onLine: print })
  try {
    await writeSettings(join(STATE, 'settings.json'), stack.environment)
    announce(options, stack)
    return await follow(options, stack, began)
  } finally {
    await ending()
    await stack.stop()
  }
}

/** The text of the run's feeds: of the file that was named, else of the project's. */
async function readFeeds({ feeds }: StartOptions): Promise<string> {
  if (feeds === undefined) return readText(join(ROOT, 'feeds.json'))
  return readText(feeds).catch((error) => {
    const why = isMissing(error) ? 'does not exist' : `cannot be read (${reasonOf(error)})`
    throw new Error(`${feeds} ${why}: name another file with --feeds, or leave it out for the project's feeds.json`)
  })
}

/** Removes what an earlier run left. */
async function forget(): Promise<void> {
  const left = (await readdir(STATE)).filter((name) => name !== RUNNING)
  await Promise.all(left.map((name) => rm(join(STATE, name), { recursive: true, force: true })))
}

/** Throws what is wrong with the feeds. The app would report it at each tick and ask for nothing, so the run would never end. */
function refuseProblems(feedsText: string, name: string): void {
  const file = parseFeeds(feedsText, CATALOG, name)
  if ('problems' in file) throw new Error(file.problems.join('\n'))
}

function announce({ port, exit, reportFiles }: StartOptions, { simulator, environment, note }: Stack): void {
  const pace = Object.entries(LOCAL_PACE).map(([name, value]) => `${name}=${value}`)
  console.log(`The app listens on http://127.0.0.1:${port}/api, the simulated service on ${simulator.baseUrl}`)
  console.log(`Local values: ${pace.join(' ')}`)
  console.log(
    `Status: curl -H "x-functions-key: ${environment.LOCAL_FUNCTION_KEY}" http://127.0.0.1:${port}/api/status`,
  )
  // A server never sees what stands behind `#`.
  console.log(`Dashboard: http://127.0.0.1:${port}/api/dashboard#${environment.LOCAL_FUNCTION_KEY}`)
  if (!exit) console.log('Commands, while this runs: npx partner-insights-sync status')
  console.log(`Tables, for any storage tool: ${environment.DataStorage}\n`)
  for (const [feed, file] of reportFiles) {
    console.log(
      `Every window of ${feed} gets the whole of ${file}, whatever time its rows are of: they land once per window.\n`,
    )
  }
  if (note) console.log(`${note}\n`)
}

/**
 * Says how it stands once everything that is due is settled, and then ends with `--exit`, else with Ctrl-C or with the npm
 * that started it. Gives the exit code.
 */
async function follow({ exit }: StartOptions, stack: Stack, began: Date): Promise<number> {
  const stopped = new Promise<'stopped'>((resolve) => {
    process.once('SIGINT', () => resolve('stopped')).once('SIGTERM', () => resolve('stopped'))
    orphaned.then(() => resolve('stopped'))
  })
  const end = await Promise.race([stopped, stack.broken, settled(stack, began)])
  if (end === 'stopped') return exit ? 1 : 0
  if (typeof end === 'string') throw new Error(end)
  console.log(`\n${summarise(end)}`)
  if (exit) return allLanded(end) ? 0 : 1
  const ending = heldBack(end) ?? 'Nothing more is due. New windows are asked for as they come'
  console.log(`\n${ending}; Ctrl-C ends it.`)
  const broken = await Promise.race([stopped, stack.broken])
  if (broken === 'stopped') return 0
  throw new Error(broken)
}

/** Meanwhile it says what the run waits for, once. */
async function settled(stack: Stack, began: Date): Promise<StatusBody> {
  let told: string | undefined
  while (true) {
    const status = await stack.status().catch(() => undefined)
    const waits = status && quotaWaits(status)
    if (waits !== undefined && waits !== told) console.log(waits)
    told = waits ?? told
    if (status && haveTicked(status, began) && isSettled(status)) return status
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

/** Whether each timer has run in this run: before, the status is how an earlier one left it, whose timers may count as silent. */
function haveTicked({ timers }: StatusBody, began: Date): boolean {
  return Object.values(timers).every(({ finishedAt }) => finishedAt !== undefined && new Date(finishedAt) > began)
}

/** Lines of the host's start: its functions, and where it listens. */
const LISTING = /^Function(s host| [\w-]+:) /

/** Prints the progress of the app and what else it says, except the host's listing. */
function print(line: string): void {
  const shown = progressLine(line) ?? (LISTING.test(line) ? undefined : line)
  if (shown !== undefined) console.log(shown)
}

const args = process.argv.slice(2)
const kept = keptByNpm(process.env, args)
if (kept !== undefined) {
  console.error(kept)
  process.exit(2)
}
const options = readOptions(args)
if ('problem' in options) {
  console.error(`${options.problem}\n${USAGE}`)
  process.exit(2)
}
if (options.help) {
  console.log(USAGE)
  process.exit()
}
try {
  process.exitCode = await start(options)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
// A status request that is under way must not keep the process alive.
process.exit()
