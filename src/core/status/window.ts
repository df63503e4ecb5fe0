import { counted } from '../counted.ts'
import { type Advice, adviceOn, type FailureKind } from '../failures.ts'
import { whyAsksNothing } from '../ledger/feed-block.ts'
import type { FeedOutline, RangedRow } from '../ledger/feed-row.ts'
import {
  aboutOf,
  type Figures,
  holdsImport,
  isAtRest,
  isGap,
  isRemoved,
  isStanding,
  type Landed,
  type LedgerEntry,
  lastArchive,
  type PastAttempt,
} from '../ledger/ledger.ts'
import { namedFile } from '../ledger/published-file.ts'
import { isPastKeep } from '../plan/keep.ts'
import { hasPassed } from '../plan/plan.ts'
import { present } from '../present.ts'
import { minuteText } from '../time/instants.ts'
import { windowId } from '../time/window.ts'
import { dayWords, windowWords } from '../time/words.ts'
import { rejectsCommand, windowCommand } from './command.ts'
import { adviceOnAttempt, adviceOnWindow, whatStands } from './failed-window.ts'
import { STATUS_VERSION, type WindowDetail } from './fields.ts'

/** Says all that the ledger knows of one window. `row`: its feed, where the app knows it. */
export function windowDetail(now: Date, version: string, entry: LedgerEntry, row: RangedRow | undefined): WindowDetail {
  const { feed, window, lane, state, attempt, tries, lastError, figures, history } = entry
  return present<WindowDetail>({
    v: STATUS_VERSION,
    at: now,
    version,
    feed,
    id: windowId(window),
    from: window.from,
    to: window.to,
    lane,
    state,
    removed: isRemoved(entry) || undefined,
    sentence: `${windowWords(window)} ${sentenceOf(entry)}`,
    attempt,
    tries,
    error: lastError && { ...lastError, ...adviceOnError(now, entry, lastError.kind, row) },
    figures: figures && figuresOf(entry, figures),
    totals: figures ? totalsOf(figures) : [],
    attempts: history.map(attemptOf).reverse(),
    commands: commandsOf(now, entry, row),
  })
}

function adviceOnError(now: Date, entry: LedgerEntry, kind: FailureKind, row: RangedRow | undefined): Advice {
  if (entry.state === 'failed' && row) return adviceOnWindow(now, row, entry)
  return adviceOn(kind, { ...aboutOf(entry), ...(row && { account: row.feed.account }) })
}

function sentenceOf(entry: LedgerEntry): string {
  switch (entry.state) {
    case 'planned':
      return `is asked for again (${entry.reason}), not before ${minuteText(entry.notBefore)}`
    case 'requesting':
      return `was asked for at ${minuteText(entry.requestedAt)}, and waits for the answer`
    case 'requested':
      return `was asked for at ${minuteText(entry.requestedAt)}; the service has until ${minuteText(entry.deadline)}`
    case 'landing':
      return `is landing (${entry.phase}): it was asked for at ${minuteText(entry.requestedAt)}`
    case 'landed':
      return landedSentence(entry)
    case 'failed':
      return `failed at ${minuteText(entry.since)} (${entry.kind}), ${whatStands(entry, 'and')}`
  }
}

function landedSentence({ figures: { landedAt, rowsLanded, removedAt }, owed }: Landed): string {
  const gone = removedAt ? `, which were removed on ${dayWords(removedAt)}` : ''
  const late = owed ? '; its file follows' : ''
  return `landed at ${minuteText(landedAt)} with ${counted(rowsLanded, 'row')}${gone}${late}`
}

function figuresOf(entry: LedgerEntry, figures: Figures): NonNullable<WindowDetail['figures']> {
  const { attempt, origin, reportId, requestedAt, landedAt, removedAt, rowsRead, rowsLanded, rowsRejected } = figures
  const { bytes, sha256, archive, rejects, table, milliseconds, emptyColumns, rowsBefore } = figures
  return present<NonNullable<WindowDetail['figures']>>({
    attempt,
    origin,
    reportId,
    requestedAt,
    landedAt,
    removedAt,
    rowsRead,
    rowsLanded,
    rowsBefore: rowsBefore === rowsLanded ? undefined : rowsBefore,
    rowsRejected,
    bytes,
    sha256,
    archive,
    rejects,
    table,
    file: namedFile(entry),
    milliseconds,
    emptyColumns,
  })
}

/** The sums of the numeric columns: those that moved since the landing before come first. */
function totalsOf({ totals, totalsBefore = totals }: Figures): WindowDetail['totals'] {
  const names = [...new Set([...Object.keys(totals), ...Object.keys(totalsBefore)])]
  const all = names.map((name) => {
    const [sum, before] = [totals[name], totalsBefore[name]]
    return { name, ...(sum !== undefined && { sum }), ...(before !== undefined && before !== sum && { before }) }
  })
  const hasMoved = ({ name }: { readonly name: string }) => totals[name] !== totalsBefore[name]
  return [...all.filter(hasMoved), ...all.filter((each) => !hasMoved(each))]
}

function attemptOf(past: PastAttempt): WindowDetail['attempts'][number] {
  const { attempt, at, requestedAt, outcome, rows, archive, rejects, correlationId } = past
  const seconds = requestedAt && Math.max(Math.round((at.getTime() - requestedAt.getTime()) / 1000), 0)
  return present<WindowDetail['attempts'][number]>({
    attempt,
    at,
    requestedAt,
    seconds,
    outcome,
    rows,
    archive,
    rejects,
    correlationId,
  })
}

/**
 * The commands that make sense for a window as it is and are not refused, the likeliest first. What would replace the rows of a
 * file comes late. A feed that is not known is refused everything.
 */
function commandsOf(now: Date, entry: LedgerEntry, row: RangedRow | undefined): readonly string[] {
  const { feed, window, state, figures } = entry
  if (!row || state === 'landing') return []
  const named = (name: Parameters<typeof windowCommand>[0]) => windowCommand(name, feed, window)
  if (!isAtRest(entry)) return [named('forget')]
  const mayLand = row.purgedAt === undefined && !isPastKeep(row.feed, window, now)
  const mayAsk = mayLand && mayBeAskedFor(now, row, entry)
  const hasWay = mayAsk || (mayLand && hasPassed(now, row, entry))
  const archived = lastArchive(entry)
  const isCut = entry.state === 'failed' && entry.cut === true
  const all = [
    ...(hasWay && entry.state === 'failed' ? [adviceOnAttempt(now, row, entry).command] : []),
    ...(mayAsk && !holdsImport(entry) ? [named('retry')] : []),
    ...(mayLand && archived && !isCut ? [named('replay')] : []),
    ...(figures?.totalsBefore && isStanding(entry) ? [named('diff')] : []),
    ...(archived?.rejects === undefined ? [] : [rejectsCommand(feed, window)]),
    ...(isGap(entry) && row.feed.cadence.kind !== 'snapshot' ? [named('accept-gap')] : []),
    ...(mayAsk ? [named('retry')] : []),
    named('forget'),
  ]
  return [...new Set(all)]
}

/** Whether the service may be asked for a window again. */
function mayBeAskedFor(now: Date, row: FeedOutline, entry: LedgerEntry): boolean {
  const isHeld = entry.lane === 'backfill' && row.backfillPaused === true
  return whyAsksNothing(row) === undefined && !isHeld && !hasPassed(now, row, entry)
}
