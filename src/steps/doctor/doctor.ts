import { CATALOG } from '../../core/catalog.ts'
import { agreeing, counted } from '../../core/counted.ts'
import {
  aboutFeed,
  clockFinding,
  type Finding,
  failing,
  isWell,
  ofOneMind,
  problem,
  quotaFinding,
  warning,
  well,
} from '../../core/doctor.ts'
import { adviceText, failed, isFailure } from '../../core/failures.ts'
import { DEFAULT_ACCOUNT, type Feed } from '../../core/feeds/feed.ts'
import { catalogueVerdict } from '../../core/feeds/feed-query.ts'
import { parseEachFeed } from '../../core/feeds/feeds.ts'
import { laterStartWarning, laterStartWarnings } from '../../core/feeds/history.ts'
import { type TableRow, tableRowKey } from '../../core/ledger/app-rows.ts'
import { blockAdvice } from '../../core/ledger/feed-block.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import { startWithinReach } from '../../core/ledger/reach.ts'
import { accountStatus } from '../../core/status/accounts.ts'
import { DELETE_ROW } from '../../core/status/feed-to-do.ts'
import { oldQueue, silentTimer } from '../../core/status/status.ts'
import { TIMERS, timerStatuses } from '../../core/status/timers.ts'
import { minuteText } from '../../core/time/instants.ts'
import { reasonOf } from '../../services/safe-text.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import { isMissing } from '../../services/text-file.ts'
import { ticksIn } from '../ledger/ticks.ts'
import { findForbiddenChange } from '../requesting/forbidden-change.ts'
import { pacingOf } from '../requesting/pacing-row.ts'
import { checkAccount } from './account.ts'
import { checkCallback } from './callback.ts'
import type { DoctorMeans, Patient } from './patient.ts'
import { checkStorage } from './storage.ts'

/** The result of the doctor. `well` means that no finding is a problem. */
export type Diagnosis = { readonly well: boolean; readonly findings: readonly Finding[] }

/** Checks everything that the app needs, with a finding for each part. Leaves nothing behind. */
export async function doctor(means: DoctorMeans): Promise<Diagnosis> {
  const storage = await checkStorage(means.storage, means.limitMs)
  const hasStorage = isWell(storage)
  const file = await readFile(means, hasStorage)
  const known = { means, hasStorage, feeds: file.feeds, accounts: file.accounts }
  const rest = await Promise.all(CHECKS.map(({ name, run }) => run(known).catch((error) => broken(name, error))))
  const sure = [well('settings', 'they are complete'), ...storage, ...file.findings, ...rest.flat()]
  const findings = ofOneMind(sure, file.doubts)
  return { well: isWell(findings), findings }
}

type Check = { readonly name: string; readonly run: (known: Patient) => Promise<readonly Finding[]> }

const CHECKS: readonly Check[] = [
  { name: 'sign-in', run: checkAccounts },
  { name: 'feed', run: checkLedger },
  { name: 'callback', run: checkCallback },
  { name: 'clock', run: checkClock },
  { name: 'timer', run: checkTimers },
  { name: 'queue', run: checkQueue },
  { name: 'quota', run: checkQuota },
]

function broken(name: string, error: unknown): readonly Finding[] {
  const remedy = 'Correct the other problems, then run doctor again.'
  return [problem('doctor', `the check ${name} failed (${reasonOf(error)})`, remedy)]
}

const NO_FILE = 'Name the file of your feeds with --feeds, and give it to the app with feeds push.'

const CONFIG_ROLE = 'Check that the identity of the app may read the container config.'

const DOUBT_REMEDY = 'This comes from the catalogue alone. Correct the feed if the service refuses its query.'

/** `doubts`: what the catalogue lacks of queries, which the service decides. */
type File = Pick<Patient, 'feeds' | 'accounts'> & {
  readonly findings: readonly Finding[]
  readonly doubts: readonly Finding[]
}

async function readFile({ services }: DoctorMeans, hasStorage: boolean): Promise<File> {
  const remedy = 'Correct the file and run validate. Then give it to the app with feeds push.'
  const none = { feeds: [], accounts: {}, doubts: [] }
  const packaged = async () => ({ text: await services.packagedFeeds(), source: 'package' })
  const read = hasStorage ? services.readFeeds : packaged
  const found = await read().catch((error) => unreadable(error, services.packagedName))
  if (!('text' in found)) return { ...none, findings: [found] }
  const name = found.source === 'package' ? services.packagedName : undefined
  const file = parseEachFeed(found.text, CATALOG, name)
  const toProblem = (each: string) => problem('feeds', each, remedy)
  if ('problems' in file) return { ...none, findings: file.problems.map(toProblem) }
  const verdicts = file.feeds.map((feed) => ({ feed: feed.name, ...catalogueVerdict(feed, CATALOG) }))
  const unsound = verdicts.flatMap(({ feed, problems }) => problems.map((each) => aboutFeed(feed, toProblem(each))))
  const wrong = [...file.allProblems.map(toProblem), ...unsound]
  const warnings = file.warnings.map((each) => warning('feeds', each, remedy))
  const doubts = verdicts.flatMap(({ feed, doubts }) =>
    doubts.map((each) => aboutFeed(feed, warning('feeds', each, DOUBT_REMEDY))),
  )
  const fine = wrong.length === 0 ? [well('feeds', `${counted(file.feeds.length, 'feed')} can be read`)] : []
  return { ...file, findings: [...wrong, ...warnings, ...fine], doubts }
}

/** Where the file itself is missing, a person is asked for it; else the container of the pushed one refuses the app. */
function unreadable(error: unknown, name: string): Finding {
  if (isMissing(error)) return problem('feeds', `${name} does not exist`, NO_FILE)
  return problem('storage', `feeds.json cannot be read (${reasonOf(error)})`, CONFIG_ROLE)
}

async function checkAccounts(known: Patient): Promise<readonly Finding[]> {
  const names = new Set(known.feeds.map(({ account }) => account))
  if (names.size === 0) names.add(DEFAULT_ACCOUNT)
  return (await Promise.all([...names].map((name) => checkAccount(known, name)))).flat()
}

/** Gives the problems in the ledger: feeds that the app does not take as they are, and those blocked for another reason. */
async function checkLedger({ means, feeds, accounts, hasStorage }: Patient): Promise<readonly Finding[]> {
  if (!hasStorage) return []
  const { ledger, settings } = means.services
  await ledger.create()
  const app = await ledger.appRows()
  const refusals = feeds
    .filter(({ enabled }) => enabled)
    .flatMap((feed) => findRefusal(app, feed, accounts[feed.account]?.tenantId ?? settings.tenants[feed.account]))
  const isTold = (row: FeedOutline) => row.refused && refusals.some(({ name }) => name === row.feed.name)
  const blocked = [...app.feeds.values()].flatMap((row) => {
    if (isFailure(row)) return problem('feed', row.message, DELETE_ROW)
    const { feed, blocked } = row.value
    if (!blocked || isTold(row.value)) return []
    const message = `feed ${feed.name} is blocked: ${blocked.message}`
    return aboutFeed(feed.name, problem('feed', message, adviceText(blockAdvice(row.value, blocked))))
  })
  const starts = feeds
    .filter(({ enabled }) => enabled)
    .flatMap((feed) => startWarnings(app, feed, means.services.clock()))
  const toWarning = (each: string) =>
    warning('feed', each, 'Ask with from and to for what the service offers, or import files of your own.')
  return [...refusals.map(({ name, finding }) => aboutFeed(name, finding)), ...blocked, ...starts.map(toWarning)]
}

/** The app knows what the service offers once it has registered the feed's query; until then the catalogue has to do. */
function startWarnings(app: AppRows, feed: Feed, now: Date): readonly string[] {
  const known = app.feeds.get(feed.name)
  const row = known && !isFailure(known) ? known.value : undefined
  if (!row?.reach) return laterStartWarnings([feed], CATALOG, now)
  const start = startWithinReach(row)
  return start === undefined ? [] : [laterStartWarning(feed, new Date(start), new Date(row.since))]
}

function findRefusal(app: AppRows, feed: Feed, tenant: string | undefined) {
  const { name, table } = feed
  const changed = findForbiddenChange(app, feed, tenant)
  if (changed) return [{ name, finding: failing('feed', changed, { feed: name }) }]
  const owner = (app.get(tableRowKey(table))?.value as TableRow | undefined)?.feed
  if (owner === undefined || owner === name) return []
  const message = `feed ${name}: table ${table} belongs to feed ${owner}`
  return [{ name, finding: failing('table', failed('table-taken', message), { feed: name }) }]
}

/** Whether the timers of the app tick. What has never run is no problem yet: the app may not be deployed. */
async function checkTimers({ means, hasStorage }: Patient): Promise<readonly Finding[]> {
  if (!hasStorage) return []
  const { ledger, clock, settings } = means.services
  const timers = timerStatuses(clock(), ticksIn(await ledger.appRows()), settings.periods)
  return TIMERS.map((name) => {
    const { sentence, remedy } = silentTimer(name, timers[name])
    if (timers[name].silentSince) return problem('timer', sentence, remedy)
    const { finishedAt } = timers[name]
    return well('timer', finishedAt ? `${name} ticked at ${minuteText(finishedAt)}` : `${name} has not run yet`)
  })
}

async function checkQueue({ means, hasStorage }: Patient): Promise<readonly Finding[]> {
  if (!hasStorage) return []
  const look = await means.services.queue.look()
  const [old] = oldQueue(means.services.clock(), look)
  if (old) return [problem('queue', old.sentence, old.remedy)]
  const poisoned = look.poisoned > 0 ? `, and ${look.poisoned} ${agreeing(look.poisoned, 'is', 'are')} poisoned` : ''
  return [
    well('queue', `about ${counted(look.messages, 'message is', 'messages are')} in it, none for long${poisoned}`),
  ]
}

/** Whether an account may ask for reports now, as far as the quota goes that the service allows it. */
async function checkQuota({ means, feeds, hasStorage }: Patient): Promise<readonly Finding[]> {
  if (!hasStorage) return []
  const { ledger, clock, settings } = means.services
  const app = await ledger.appRows()
  return [...new Set(feeds.map(({ account }) => account))].flatMap((name) => {
    const pacing = pacingOf(app, name)
    if (isFailure(pacing)) return problem('quota', pacing.message, DELETE_ROW)
    return quotaFinding(
      accountStatus(
        clock(),
        { name, auth: undefined, pacing: pacing.value, credentials: [], inFlight: 0 },
        settings.limits,
      ),
    )
  })
}

async function checkClock({ means }: Patient): Promise<readonly Finding[]> {
  const { insightsBaseUrl, services, limitMs } = means
  const started = services.clock().getTime()
  const response = await fetch(insightsBaseUrl, { redirect: 'manual', signal: AbortSignal.timeout(limitMs) }).catch(
    () => undefined,
  )
  await response?.body?.cancel()
  const theirs = Date.parse(response?.headers.get('date') ?? '')
  if (Number.isNaN(theirs)) {
    return [
      warning('clock', 'it was not compared: the service did not answer', 'Run doctor again when the service answers.'),
    ]
  }
  return [clockFinding(theirs - (started + services.clock().getTime()) / 2)]
}
