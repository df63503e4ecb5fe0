import { type Failure, type FailureKind, failed } from '../../core/failures.ts'
import { isTransient } from '../retry.ts'
import type { Answer } from './answer.ts'

/** An error of the documents: its text, the kind of failure it is, and what a person can do. */
export type DocumentedRefusal = {
  readonly status: number
  /** As documented, byte for byte. `<>` and `'string'` stand for what the service fills in. */
  readonly text: string
  readonly kind: FailureKind
  readonly hint: string
}

const PARAMETERS = 'Invalid report parameters'
const CREATION = `${PARAMETERS} for creation - `

const QUERY_GONE = 'Invalid QueryId'

const ACCOUNT = 'the service does not take the token of the account'
const ROLE = 'give the account the Executive Report Viewer role, in the AI Cloud Partner Program tenant'
const AGAIN = 'it is tried again'
const QUERY = 'correct the query or the columns of the feed'
const REQUEST = 'the service refuses what the app sends; check the feed, and report it if the feed is right'
const QUOTA = 'it is tried again later; other tools use the same quota, so fewer of their reports leave more room'
const UNKNOWN = 'the service has nothing with that id or name'

/** 900421 under 401: what else the answer says does not matter. */
const LACKS_MFA = {
  kind: 'mfa-required',
  hint: 'the token lacks multi-factor (900421)',
} as const

const refusal = (status: number, kind: FailureKind, hint: string, text: string): DocumentedRefusal => ({
  status,
  text,
  kind,
  hint,
})

/** The errors that the Partner Insights documentation lists (FAQ, 2021 and 2023). */
export const DOCUMENTED_REFUSALS: readonly DocumentedRefusal[] = [
  refusal(401, 'unauthorized', ACCOUNT, 'Unauthorized'),
  refusal(400, 'query-refused', 'correct the dataset of the feed', 'Invalid table name'),
  refusal(400, 'query-refused', QUERY, 'Incorrect column name'),
  refusal(400, 'query-refused', REQUEST, 'Null or missing value'),
  refusal(400, 'query-refused', REQUEST, PARAMETERS),
  refusal(400, 'query-refused', REQUEST, 'Recurrence Interval must be between 4 and 2160'),
  refusal(400, 'query-refused', 'the service no longer has the query; change the feed', QUERY_GONE),
  refusal(
    400,
    'query-refused',
    REQUEST,
    `${CREATION}Start time of report should at least be 4 hours from current UTC time`,
  ),
  refusal(400, 'query-refused', REQUEST, "Requested value 'string' not found"),
  refusal(404, 'query-refused', UNKNOWN, 'No item found with given filters.'),
  refusal(
    404,
    'unavailable',
    AGAIN,
    "There are no executions that have occurred for the given filter conditions. Double check the reportId or executionId and retry the API after the report's scheduled execution time",
  ),
  refusal(500, 'unavailable', AGAIN, 'Internal error encountered while creating report. Correlation ID <>'),
  refusal(500, 'unavailable', AGAIN, 'Service unavailable'),
]

/**
 * Errors that only the sister service documents (commercial marketplace, `/cmp`). This service probably says the same.
 */
export const SISTER_REFUSALS: readonly DocumentedRefusal[] = [
  refusal(400, 'query-refused', REQUEST, `${CREATION}StartTime should follow format: yyyy-MM-ddTHH:mm:ssZ`),
  refusal(400, 'query-refused', REQUEST, `${CREATION}EndTime should be greater than StartTime`),
  refusal(400, 'query-refused', REQUEST, `${CREATION}EndTime should follow format: yyyy-MM-ddTHH:mm:ssZ`),
  refusal(400, 'query-refused', REQUEST, `${CREATION}Report format should be csv/tsv`),
  refusal(400, 'query-refused', REQUEST, `${CREATION}Invalid character (;) in ReportName`),
  refusal(400, 'query-refused', REQUEST, `${CREATION}CallbackMethod can only be GET or POST`),
  refusal(400, 'query-refused', REQUEST, `${CREATION}Recurrence count has to be a positive integer value`),
  refusal(
    400,
    'query-refused',
    REQUEST,
    `${CREATION}Limit ReportName and Description length to 256 characters or less`,
  ),
  refusal(400, 'unavailable', QUOTA, 'User has exceeded its report creation quota of 50 active reports'),
  refusal(400, 'unavailable', QUOTA, 'User has exceeded its ExecuteNow report creation quota of 5 reports/60 mins'),
  refusal(
    400,
    'query-refused',
    'delete queries that nobody uses',
    'Number of queries exceeded. Delete few queries before creating new queries',
  ),
  refusal(404, 'query-refused', UNKNOWN, 'No item found with given filters'),
  refusal(
    404,
    'unavailable',
    AGAIN,
    "There are no executions that have occurred for the given filter conditions. Please recheck the reportId or executionId and retry the API after the report's scheduled execution time",
  ),
]

const ALL = [...DOCUMENTED_REFUSALS, ...SISTER_REFUSALS].map((each) => ({ ...each, pattern: patternOf(each.text) }))

/**
 * Says what a refused call means: by its documented text, or by its status alone. `about` names the call, for the
 * message.
 */
export function failureOf(
  { status, message, lacksMfa, correlationId }: Pick<Answer, 'status' | 'message' | 'lacksMfa' | 'correlationId'>,
  about: string,
): Failure {
  const { kind, hint } = lacksMfa ? LACKS_MFA : refusalOf(status, message)
  const said = message ? ` "${message}"` : ''
  return failed(kind, `${about}: the service answered ${status}${said}${correlationNote(correlationId)}; ${hint}`)
}

/** The failure of a call whose answer is a success but lacks what was asked for. */
export function incomplete({ correlationId }: Pick<Answer, 'correlationId'>, about: string, lack: string): Failure {
  return failed('unavailable', `${about}: the answer${correlationNote(correlationId)} ${lack}`)
}

/** How a message names the call to Microsoft's support; empty where the service gave no id. */
export function correlationNote(correlationId: string | undefined): string {
  return correlationId === undefined ? '' : ` (MS-CorrelationId ${correlationId})`
}

/** Whether the service refuses a report because it no longer has the query. */
export function isQueryGone({ status, message }: Pick<Answer, 'status' | 'message'>): boolean {
  return status === 400 && patternOf(QUERY_GONE).test(message)
}

/** All documented texts are shorter, in characters. */
const LOOKED_AT = 1_000

/** The kind and the hint for an error of that status and message. */
export function refusalOf(status: number, text: string): Pick<DocumentedRefusal, 'kind' | 'hint'> {
  const message = text.slice(0, LOOKED_AT)
  const documented = ALL.find((each) => each.status === status && each.pattern.test(message))
  if (documented) return documented
  if (status === 401) return { kind: 'unauthorized', hint: ACCOUNT }
  if (status === 403) return { kind: 'forbidden', hint: ROLE }
  if (isTransient(status)) return { kind: 'unavailable', hint: AGAIN }
  if (/quota/i.test(message)) return { kind: 'unavailable', hint: QUOTA }
  return { kind: 'query-refused', hint: QUERY }
}

/** Whether a quota was exceeded. The service also says so in a 400: "User has exceeded its … creation quota of …". */
export function isThrottled({ status, message }: Pick<Answer, 'status' | 'message'>): boolean {
  return status === 429 || (status === 400 && /quota/i.test(message))
}

/** Whether the message of a 404 says that the thing does not exist. Otherwise there is only nothing in it yet. */
export function saysUnknown(message: string): boolean {
  return /^No item found with given filters\b/i.test(message)
}

/** Copies of the documents differ in case, in quotes and in the full stop at the end. */
function patternOf(text: string): RegExp {
  const plain = text.replace(/\.$/, '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const filled = plain.replace("'string'", "['‘’].*['‘’]").replace('<>', '.*')
  return new RegExp(`^${filled}\\.?$`, 'i')
}
