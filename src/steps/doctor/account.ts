import { counted } from '../../core/counted.ts'
import {
  aboutFeed,
  expiryFinding,
  type Finding,
  failing,
  mfaFindings,
  offeredFinding,
  problem,
  warning,
  well,
} from '../../core/doctor.ts'
import { FAILURES, type Failure, isFailure } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import {
  type ColumnsSource,
  feedQuery,
  findListed,
  inNamesOf,
  type QuerySource,
  spellingsOf,
} from '../../core/feeds/feed-query.ts'
import type { InsightsClient, LiveDataset } from '../../services/insights/client.ts'
import type { Patient } from './patient.ts'

/** How many reports of the account are checked for hidden data. */
const REPORTS = 10

const REACH =
  'Try again in some minutes. If it lasts, check PARTNER_AUTHORITY_HOST and INSIGHTS_BASE_URL, and check that this network can reach both.'

const VAULT_ROLE =
  'Check KEY_VAULT_URL, and check that whoever runs this has a role on the secrets of the vault: a new one takes minutes to spread.'

/** Checks one account: its sign-in, its role, and the datasets, columns and queries of its feeds. */
export async function checkAccount(known: Patient, name: string): Promise<readonly Finding[]> {
  const signIn = known.means.signIn(name, known.accounts[name] ?? {})
  const findings = await findingsOf(known, name, signIn?.warning)
  return findings.map((finding) => ({ ...finding, account: { name, ...(signIn && { auth: signIn.auth }) } }))
}

async function findingsOf(known: Patient, name: string, told: string | undefined): Promise<readonly Finding[]> {
  const { means, accounts, feeds } = known
  const account = accounts[name] ?? {}
  const notes = told === undefined ? [] : [warning('sign-in', told, 'Change PARTNER_AUTH of the account.')]
  const insights = means.services.insights(name, account)
  if (isFailure(insights)) return [...notes, failing('sign-in', insights)]
  const ends = await means.services.expiry(name, account)
  // With complete settings only the vault fails, and a sign-in that cannot read its secret says nothing of the account.
  if (isFailure(ends)) return [...notes, problem('vault', ends.message, VAULT_ROLE)]
  const expiry = ends.map(({ what, expiresAt }) => expiryFinding(name, what, expiresAt, means.services.clock()))
  const signal = AbortSignal.timeout(means.limitMs)
  const client = insights.within(signal)
  const datasets = await client.listDatasets()
  if (isFailure(datasets)) return [...notes, ...expiry, unableToRead(datasets, signal.aborted, means.limitMs)]
  const own = feeds.filter((feed) => feed.account === name && feed.enabled)
  const offered = own.map((feed) =>
    aboutFeed(feed.name, offeredFinding(feed, findListed(datasets, spellingsOf(feed.dataset)))),
  )
  const [mfa, role, queries] = await Promise.all([
    checkSignIn(client, name, own[0]?.dataset ?? datasets[0]?.name),
    checkRole(client, name),
    Promise.all(own.map((feed) => checkQuery(client, feed, datasets))),
  ])
  const signedIn = well('sign-in', `account ${name} signs in and lists ${counted(datasets.length, 'dataset')}`)
  return [signedIn, ...mfa, ...notes, ...expiry, ...role, ...offered, ...queries.flat()]
}

function unableToRead(failure: Failure, isLate: boolean, limitMs: number): Finding {
  const late = isLate ? ` (no answer within ${limitMs / 1000} s)` : ''
  const check = failure.kind === 'forbidden' ? 'role' : 'sign-in'
  return failingAt(check, { ...failure, message: `${failure.message}${late}` })
}

/** A service that does not answer says nothing of what was checked. */
function failingAt(check: string, failure: Failure): Finding {
  return failure.kind === 'unavailable' ? problem('service', failure.message, REACH) : failing(check, failure)
}

async function checkSignIn(
  client: InsightsClient,
  name: string,
  dataset: string | undefined,
): Promise<readonly Finding[]> {
  if (dataset === undefined) return []
  const signs = await client.checkMfa(dataset)
  if (isFailure(signs)) return [failingAt('sign-in', signs)]
  return mfaFindings(name, signs.isCompliant, signs.methods)
}

/** Checks whether the service hides data from the role. Only the executions of a report tell. */
async function checkRole(client: InsightsClient, name: string): Promise<readonly Finding[]> {
  const reports = await client.reports()
  if (isFailure(reports)) return [failingAt('role', reports)]
  const ids = reports.slice(-REPORTS).map(({ reportId }) => reportId)
  if (ids.length === 0)
    return [well('role', `account ${name} can read; without a report, nothing shows whether data is hidden`)]
  const found = await client.listExecutions(ids, { statuses: ['Completed'], latest: true })
  if (found === 'not-yet' || found === 'unknown') return []
  if (isFailure(found)) return [failingAt('role', found)]
  if (!found.dataRedacted) return [well('role', `account ${name} sees all data`)]
  return [problem('role', `account ${name}: the service hides data from its role`, FAILURES.redacted.remedy)]
}

/** Asks the service to test the query or conditions that the user wrote. For other feeds, `offeredFinding` is enough. */
async function checkQuery(
  client: InsightsClient,
  feed: Feed,
  datasets: readonly LiveDataset[],
): Promise<readonly Finding[]> {
  const run = testOf(feed, datasets)
  if (!run) return []
  const about = (finding: Finding) => [aboutFeed(feed.name, finding)]
  if (isFailure(run)) return about(failing('query', run))
  const answer = await client.testQuery(run)
  if (isFailure(answer))
    return about({ ...failingAt('query', answer), message: `feed ${feed.name}: ${answer.message}` })
  return about(well('query', `feed ${feed.name}: the service accepts its query`))
}

/** The query for the service to test, or the failure that keeps the app from registering it. Undefined if there is none. */
function testOf(feed: Feed, datasets: readonly LiveDataset[]) {
  const { source, dataset } = feed
  if (source.kind === 'queryId') return { queryId: source.queryId }
  const live = findListed(datasets, spellingsOf(dataset))
  if (!live) return undefined
  const own = source.kind === 'query' ? source : withOwnCondition(source)
  if (!own) return undefined
  const text = feedQuery(feed, own.kind === 'columns' ? inNamesOf(dataset, live, own) : own, live)
  return isFailure(text) ? text : { exportQuery: text }
}

function withOwnCondition({ columns, ...source }: ColumnsSource): QuerySource | undefined {
  return columns && source.where !== undefined ? { ...source, columns } : undefined
}
