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
import { adviceOn, adviceText, type Failure, type FailureKind, isFailure, isOfSignIn } from '../../core/failures.ts'
import type { Feed } from '../../core/feeds/feed.ts'
import {
  type ColumnsSource,
  defaultSelection,
  feedQuery,
  findListed,
  inNamesOf,
  type QuerySource,
  spellingsOf,
} from '../../core/feeds/feed-query.ts'
import { signInAdvice } from '../../core/status/accounts.ts'
import { DOCTOR } from '../../core/status/command.ts'
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
  const findings = await findingsOf(known, { name, auth: signIn?.auth }, signIn?.warning)
  return findings.map((finding) => ({ ...finding, account: { name, ...(signIn && { auth: signIn.auth }) } }))
}

/** An account by how it signs in; undefined where its settings are not complete. */
type Signing = { readonly name: string; readonly auth: string | undefined }

async function findingsOf(known: Patient, signing: Signing, told: string | undefined): Promise<readonly Finding[]> {
  const { name } = signing
  const { means, accounts, feeds } = known
  const account = accounts[name] ?? {}
  const notes = told === undefined ? [] : [warning('sign-in', told, 'Change PARTNER_AUTH of the account.')]
  const insights = means.services.insights(name, account)
  if (isFailure(insights)) return [...notes, failingOf('sign-in', insights, signing)]
  const ends = await means.services.expiry(name, account)
  // With complete settings only the vault fails, and a sign-in that cannot read its secret says nothing of the account.
  if (isFailure(ends)) return [...notes, problem('vault', ends.message, VAULT_ROLE)]
  const expiry = ends.map(({ what, expiresAt }) => expiryFinding(name, what, expiresAt, means.services.clock()))
  const signal = AbortSignal.timeout(means.limitMs)
  const client = insights.within(signal)
  const datasets = await client.listDatasets()
  if (isFailure(datasets)) return [...notes, ...expiry, unableToRead(signing, datasets, signal.aborted, means.limitMs)]
  const own = feeds.filter((feed) => feed.account === name && feed.enabled)
  const offered = own.map((feed) =>
    aboutFeed(feed.name, offeredFinding(feed, findListed(datasets, spellingsOf(feed.dataset)))),
  )
  const [mfa, role, queries] = await Promise.all([
    checkSignIn(client, signing, own[0]?.dataset ?? datasets[0]?.name),
    checkRole(client, signing),
    Promise.all(own.map((feed) => checkQuery(client, signing, feed, datasets))),
  ])
  const signedIn = well('sign-in', `account ${name} signs in and lists ${counted(datasets.length, 'dataset')}`)
  return [signedIn, ...mfa, ...notes, ...expiry, ...role, ...offered, ...queries.flat()]
}

function unableToRead(signing: Signing, failure: Failure, isLate: boolean, limitMs: number): Finding {
  const late = isLate ? ` (no answer within ${limitMs / 1000} s)` : ''
  const check = failure.kind === 'forbidden' ? 'role' : 'sign-in'
  return failingAt(check, { ...failure, message: `${failure.message}${late}` }, signing)
}

/** A service that does not answer says nothing of what was checked. */
function failingAt(check: string, failure: Failure, signing: Signing, feed?: string): Finding {
  if (failure.kind === 'unavailable') return problem('service', failure.message, REACH)
  return failingOf(check, failure, signing, feed)
}

function failingOf(check: string, failure: Failure, { name, auth }: Signing, feed?: string): Finding {
  if (!isOfSignIn(failure) && feed !== undefined) return failing(check, failure, { account: name, feed })
  if (!isOfSignIn(failure)) return problem(check, failure.message, ofAccount(failure.kind))
  return problem(check, failure.message, adviceText(signInAdvice(failure.kind, name, auth)))
}

async function checkSignIn(
  client: InsightsClient,
  signing: Signing,
  dataset: string | undefined,
): Promise<readonly Finding[]> {
  if (dataset === undefined) return []
  const signs = await client.checkMfa(dataset)
  if (isFailure(signs)) return [failingAt('sign-in', signs, signing)]
  return mfaFindings(signing.name, signs.isCompliant, signs.methods)
}

/** Checks whether the service hides data from the role. Only the executions of a report tell. */
async function checkRole(client: InsightsClient, signing: Signing): Promise<readonly Finding[]> {
  const { name } = signing
  const reports = await client.reports()
  if (isFailure(reports)) return [failingAt('role', reports, signing)]
  const ids = reports.slice(-REPORTS).map(({ reportId }) => reportId)
  if (ids.length === 0)
    return [well('role', `account ${name} can read; without a report, nothing shows whether data is hidden`)]
  const found = await client.listExecutions(ids, { statuses: ['Completed'], latest: true })
  if (found === 'not-yet' || found === 'unknown') return []
  if (isFailure(found)) return [failingAt('role', found, signing)]
  if (!found.dataRedacted) return [well('role', `account ${name} sees all data`)]
  return [problem('role', `account ${name}: the service hides data from its role`, ofAccount('redacted'))]
}

/** What is wrong with the account and not with one feed: the feeds that it blocks have findings of their own. */
function ofAccount(kind: FailureKind): string {
  return adviceText({ ...adviceOn(kind), command: DOCTOR })
}

/** Asks the service to test the query or conditions that the user wrote. For other feeds, `offeredFinding` is enough. */
async function checkQuery(
  client: InsightsClient,
  signing: Signing,
  feed: Feed,
  datasets: readonly LiveDataset[],
): Promise<readonly Finding[]> {
  const run = testOf(feed, datasets)
  if (!run) return []
  const about = (finding: Finding) => [aboutFeed(feed.name, finding)]
  if (isFailure(run)) return about(failing('query', run, { feed: feed.name }))
  const answer = await client.testQuery(run)
  if (isFailure(answer))
    return about({
      ...failingAt('query', answer, signing, feed.name),
      message: `feed ${feed.name}: ${answer.message}`,
    })
  return about(well('query', `feed ${feed.name}: the service accepts its query`))
}

/** The query for the service to test, or the failure that keeps the app from registering it. Undefined if there is none. */
function testOf(feed: Feed, datasets: readonly LiveDataset[]) {
  const { source, dataset } = feed
  if (source.kind === 'queryId') return { queryId: source.queryId }
  const live = findListed(datasets, spellingsOf(dataset))
  if (!live) return undefined
  const own = source.kind === 'query' ? source : withOwnCondition(feed, source, live)
  if (!own) return undefined
  const text = feedQuery(feed, own.kind === 'columns' ? inNamesOf(dataset, live, own) : own, live)
  return isFailure(text) ? text : { exportQuery: text }
}

/** The query of a feed with conditions; its columns are those that the app would choose where it names none. */
function withOwnCondition(feed: Feed, source: ColumnsSource, live: LiveDataset): QuerySource | undefined {
  if (source.where === undefined) return undefined
  return { ...source, columns: source.columns ?? defaultSelection(feed, live).columns }
}
