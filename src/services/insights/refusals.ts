import type { FailureKind } from '../../core/failures.ts'

/** An error the documentation names: its text byte for byte, what kind of failure it is to us, and what to do. */
export type Refusal = {
  readonly status: number
  /** `<>` and `'string'` stand for what the service fills in. */
  readonly text: string
  readonly kind: FailureKind
  readonly hint: string
}

const PARAMETERS = 'Invalid report parameters'
const CREATION = `${PARAMETERS} for creation - `

const AGAIN = 'it is tried again'
const QUERY = 'correct the query or the columns of the feed'
const REQUEST = 'the service refuses what the app sends; check the feed, and report it if that is right'
const PLENTY = 'it is asked again later; fewer reports of other tools leave more room'

const refusal = (status: number, kind: FailureKind, hint: string, text: string): Refusal => ({
  status,
  text,
  kind,
  hint,
})

/** The errors of the Partner Insights documentation (FAQ, 2021 and 2023). */
export const DOCUMENTED_REFUSALS: readonly Refusal[] = [
  refusal(401, 'unauthorized', 'check the PARTNER_… settings of the account', 'Unauthorized'),
  refusal(400, 'query-refused', 'correct the dataset of the feed', 'Invalid table name'),
  refusal(400, 'query-refused', QUERY, 'Incorrect column name'),
  refusal(400, 'query-refused', REQUEST, 'Null or missing value'),
  refusal(400, 'query-refused', REQUEST, PARAMETERS),
  refusal(400, 'query-refused', REQUEST, 'Recurrence Interval must be between 4 and 2160'),
  refusal(400, 'query-refused', 'the query is gone at the service; change the feed', 'Invalid QueryId'),
  refusal(
    400,
    'query-refused',
    REQUEST,
    `${CREATION}Start time of report should at least be 4 hours from current UTC time`,
  ),
  refusal(400, 'query-refused', REQUEST, "Requested value 'string' not found"),
  refusal(404, 'query-refused', 'the service has nothing of that id or name', 'No item found with given filters.'),
  refusal(
    404,
    'unavailable',
    'it is asked for again',
    "There are no executions that have occurred for the given filter conditions. Double check the reportId or executionId and retry the API after the report's scheduled execution time",
  ),
  refusal(500, 'unavailable', AGAIN, 'Internal error encountered while creating report. Correlation ID <>'),
  refusal(500, 'unavailable', AGAIN, 'Service unavailable'),
]

/** What only the sister service documents (commercial marketplace, `/cmp`): the best guess for the same cases here. */
export const SISTER_REFUSALS: readonly Refusal[] = [
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
  refusal(400, 'unavailable', PLENTY, 'User has exceeded its report creation quota of 50 active reports'),
  refusal(400, 'unavailable', PLENTY, 'User has exceeded its ExecuteNow report creation quota of 5 reports/60 mins'),
  refusal(
    400,
    'query-refused',
    'delete queries that nobody uses',
    'Number of queries exceeded. Delete few queries before creating new queries',
  ),
  refusal(404, 'query-refused', 'the service has nothing of that id or name', 'No item found with given filters'),
  refusal(
    404,
    'unavailable',
    'it is asked for again',
    "There are no executions that have occurred for the given filter conditions. Please recheck the reportId or executionId and retry the API after the report's scheduled execution time",
  ),
]

const ALL = [...DOCUMENTED_REFUSALS, ...SISTER_REFUSALS].map((each) => ({ ...each, pattern: patternOf(each.text) }))

/** What an answer with an error means: by its documented text, or else by its status alone. */
export function refusalOf(status: number, message: string): Pick<Refusal, 'kind' | 'hint'> {
  const documented = ALL.find((each) => each.status === status && each.pattern.test(message))
  if (documented) return documented
  if (status === 401) return { kind: 'unauthorized', hint: 'check the PARTNER_… settings of the account' }
  if (status === 403) return { kind: 'forbidden', hint: 'give the account the Executive Report Viewer role' }
  if (status === 408 || status === 429 || status >= 500) return { kind: 'unavailable', hint: AGAIN }
  if (/quota/i.test(message)) return { kind: 'unavailable', hint: PLENTY }
  return { kind: 'query-refused', hint: QUERY }
}

/** Whether a 404 says that what was named does not exist, and not merely that nothing is there yet. */
export function saysUnknown(message: string): boolean {
  return /^No item found with given filters\b/i.test(message)
}

/** Case, quotes and a full stop at the end differ between copies of the documents. */
function patternOf(text: string): RegExp {
  const plain = text.replace(/\.$/, '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const filled = plain.replace("'string'", "['‘’].*['‘’]").replace('<>', '.*')
  return new RegExp(`^${filled}\\.?$`, 'i')
}
