import { FAILURES } from '../failures.ts'
import { type Figures, isGap, isPublished, type LedgerEntry, lastArchive, type PastAttempt } from '../ledger/ledger.ts'
import { present } from '../present.ts'
import { minuteText } from '../time/instants.ts'
import { windowId } from '../time/window.ts'
import { windowWords } from '../time/words.ts'
import { rejectsCommand, windowCommand } from './command.ts'
import { commandFor } from './feed-to-do.ts'
import { STATUS_VERSION, type WindowDetail } from './fields.ts'

/** Says all that the ledger knows of one window. */
export function windowDetail(now: Date, version: string, entry: LedgerEntry): WindowDetail {
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
    sentence: `${windowWords(window)} ${sentenceOf(entry)}`,
    attempt,
    tries,
    error: lastError && { ...lastError, remedy: FAILURES[lastError.kind].remedy },
    figures: figures && figuresOf(figures),
    totals: figures ? totalsOf(figures) : [],
    attempts: history.map(attemptOf).reverse(),
    commands: commandsOf(entry),
  })
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
      return `landed at ${minuteText(entry.figures.landedAt)} with ${entry.figures.rowsLanded} rows`
    case 'failed':
      return `failed at ${minuteText(entry.since)} (${entry.kind}), ${isPublished(entry) ? 'and the rows of the earlier landing remain' : 'and has no rows'}`
  }
}

function figuresOf(figures: Figures): NonNullable<WindowDetail['figures']> {
  const { attempt, origin, reportId, requestedAt, landedAt, removedAt, rowsRead, rowsLanded, rowsRejected } = figures
  const { bytes, sha256, archive, rejects, table, milliseconds, emptyColumns } = figures
  return present<NonNullable<WindowDetail['figures']>>({
    attempt,
    origin,
    reportId,
    requestedAt,
    landedAt,
    removedAt,
    rowsRead,
    rowsLanded,
    rowsRejected,
    bytes,
    sha256,
    archive,
    rejects,
    table,
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

/** The commands that make sense for a window as it is, the likeliest first. */
function commandsOf(entry: LedgerEntry): readonly string[] {
  const { feed, window, state } = entry
  const named = (name: Parameters<typeof windowCommand>[0]) => windowCommand(name, feed, window)
  if (state === 'landed' || state === 'failed') {
    const mend = state === 'failed' ? [commandFor(entry)] : []
    const archived = lastArchive(entry)
    const more = [
      named('retry'),
      ...(archived ? [named('replay')] : []),
      ...(entry.figures?.totalsBefore ? [named('diff')] : []),
      ...(archived?.rejects === undefined ? [] : [rejectsCommand(feed, window)]),
      ...(isGap(entry) ? [named('accept-gap')] : []),
      named('forget'),
    ]
    return [...new Set([...mend, ...more])]
  }
  return [named('forget')]
}
