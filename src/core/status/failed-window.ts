import {
  type Advice,
  adviceOn,
  BROKEN_FILE,
  FAILURES,
  type FailureKind,
  filled,
  isOfSignIn,
  PROGRAM,
} from '../failures.ts'
import { blockAdvice, whyAsksNothing } from '../ledger/feed-block.ts'
import type { FeedOutline, RangedRow } from '../ledger/feed-row.ts'
import {
  aboutOf,
  type Failed,
  holdsImport,
  isGap,
  isOfPerson,
  isPublished,
  isRemoved,
  isStanding,
  type LedgerEntry,
} from '../ledger/ledger.ts'
import { isOutOfRange } from '../ledger/reach.ts'
import { hasPassed } from '../plan/plan.ts'
import { dayWords } from '../time/words.ts'
import { PUSH_FEEDS, resumeCommand } from './command.ts'

// What a person does about a window that failed: by the cause, and by what stands of the window.

/** What a person does about a failed window, and the command that they type. */
export function adviceOnWindow(now: Date, row: RangedRow, entry: Failed): Advice {
  const { kind } = entry
  const ofWindow = onceItAsks(row, entry, adviceOnAttempt(now, row, entry))
  if (isOfPerson(entry) || FAILURES[kind].heals === 'person') return ofWindow
  if (isOfSignIn(entry)) return adviceOn(kind, { account: row.feed.account })
  const ofBlock = blockAdvice(row, entry)
  // What frees a feed is refused where it is not blocked.
  const isOfFeed = FAILURES[kind].heals === 'change' && (row.blocked !== undefined || ofBlock.command === PUSH_FEEDS)
  return isOfFeed ? ofBlock : ofWindow
}

/** A command that asks the service is refused while the feed, or its history, asks for nothing: ending that comes first. */
export function onceItAsks(row: FeedOutline, about: Pick<LedgerEntry, 'lane'>, way: Advice): Advice {
  const { name } = row.feed
  if (!way.command.startsWith(`${PROGRAM} retry `)) return way
  if (whyAsksNothing(row) !== undefined) {
    const first = `First let feed ${name} ask again: enable or correct it in feeds.json, and push the file.`
    return { remedy: `${first} Then: ${way.remedy}`, command: PUSH_FEEDS }
  }
  if (about.lane !== 'backfill' || row.backfillPaused !== true) return way
  return { remedy: `First let its history go on, which is paused. Then: ${way.remedy}`, command: resumeCommand(name) }
}

/** What a person does about a failed window, as if its feed asked for it. */
export function adviceOnAttempt(now: Date, row: RangedRow, entry: Failed): Advice {
  if (hasPassed(now, row, entry)) return adviceOnEntry(entry, PASSED)
  return adviceOnEntry(entry, isOutOfRange(row, entry.window, now) ? GONE : undefined)
}

/** As `adviceOnAttempt`, where the feed is not known. `unasked`: the service has no report of the window any more. */
export function adviceOnEntry(entry: Failed, unasked?: Unasked): Advice {
  const advice = isOfPerson(entry) ? ownAdvice(entry) : reportAdvice(entry)
  const isInVain = !isOfPerson(entry) || `${advice.remedy} ${advice.command}`.includes(RETRY)
  return filled(unasked && isInVain ? unaskedAdvice(entry, unasked) : advice, aboutOf(entry))
}

const RETRY = 'retry <feed> <window>'
const REPLAY = 'replay <feed> <window>'
const FORGET = 'forget <feed> <window>'

/** A report of the service failed. Its next one never replaces the rows of a file. */
function reportAdvice(entry: Failed): Advice {
  const { kind, broken } = entry
  if (kind === 'out-of-range') return unaskedAdvice(entry, GONE)
  if (holdsImport(entry)) return { remedy: IMPORT_STANDS, command: landAgain(entry) }
  if (broken) return BROKEN_FILE
  const { remedy, heals, command } = FAILURES[kind]
  return { remedy, command: heals === 'change' || isOfSignIn(entry) ? RETRY : command }
}

/** What is left to do where asking the service is in vain: by whether rows stand, an archive may still land, or neither. */
type Unasked = { readonly rows: string; readonly report: string; readonly nothing: Advice }

function unaskedAdvice(entry: Failed, { rows, report, nothing }: Unasked): Advice {
  const { kind, archive, broken } = entry
  const stand = { remedy: rows, command: landAgain(entry) }
  if (holdsImport(entry)) return stand
  if (!isOfPerson(entry) && !broken && archive !== undefined) {
    const command = landFrom(archive)
    if (kind === 'too-many-rejects') return { ...REJECTS, remedy: rejectsAndGone(command) }
    if (kind === 'storage' || kind === 'poison') return { remedy: SAME_ARCHIVE[kind], command }
    if (kind === 'out-of-range' && isGap(entry)) return { remedy: report, command }
  }
  // What was removed is no gap.
  const none = isRemoved(entry) ? { ...nothing, command: FORGET } : nothing
  const { remedy, command } = isStanding(entry) && !isGap(entry) ? stand : none
  return { remedy: broken ? `${BROKEN_LINES} ${remedy}` : remedy, command }
}

/** A landing that a person asked for failed, of a file or of a report from its archive. Nothing was asked of the service. */
function ownAdvice(entry: Failed): Advice {
  const { kind, cut, origin, archive, figures } = entry
  const stands = isStanding(entry)
  if (kind === 'storage' || kind === 'poison') return { remedy: SAME_ARCHIVE[kind], command: REPLAY }
  if (cut && !holdsImport(entry)) return { remedy: CUT_OFF, command: RETRY }
  if (origin === 'service' && !holdsImport(entry)) return adviceOnReplay(entry)
  if (origin === undefined && !stands) return { remedy: UNKNOWN_ORIGIN, command: REPLAY }
  const isSame = stands && archive !== undefined && archive === figures?.archive
  if (isSame) return kind === 'too-many-rejects' ? REJECTS : FEED_CHANGED
  const more = MORE_ON_FILE[kind] ?? ''
  if (holdsImport(entry)) return { remedy: IMPORT_STANDS + more, command: landAgain(entry) }
  if (stands) return { remedy: FILE_OVER_ROWS + more, command: landAgain(entry) }
  return { remedy: FILE_ALONE + more, command: FORGET }
}

/** A report of the service does not land from its archive. The next one is made for the feed as it is now. */
function adviceOnReplay(entry: Failed): Advice {
  const { kind, broken } = entry
  if (broken) return BROKEN_FILE
  if (kind === 'too-many-rejects') return REJECTS
  if (kind === 'suspicious-empty') return { remedy: REPLAYED_EMPTY, command: landAgain(entry) }
  const isOfFile = FAILURES[kind].heals === 'person'
  return { remedy: isOfFile ? FAILURES[kind].remedy : REPLAYED_OTHER, command: RETRY }
}

/** Lands the rows that stand once more, from their own archive: the window is landed again. */
function landAgain({ figures }: Failed): string {
  return landFrom(figures?.archive)
}

/** Lands an archive. By the next tick the ledger may name another one, or none. */
function landFrom(archive: string | undefined): string {
  return archive === undefined ? REPLAY : `${REPLAY} --archive ${archive}`
}

const IMPORT_STANDS =
  'The rows of the imported file stay. Type "import <feed> <file> <window>" for a corrected file, or land again the one that landed. "retry <feed> <window>" would replace its rows by those of the service.'

const FILE_OVER_ROWS =
  'Correct the file or its window, and type "import <feed> <file> <window>". Or land again what landed before; "retry <feed> <window>" asks the service for it anew.'

/** An entry of an earlier version does not say whether it was a file or a report. */
const UNKNOWN_ORIGIN =
  'If it was a file of yours, correct the file or its window, and type "import <feed> <file> <window>". If it was a report, land its archive again once the feed fits it.'

const FILE_ALONE =
  'Correct the file or its window, and type "import <feed> <file> <window>". Or take the window out, which has no rows: the app asks the service for it if the feed wants it.'

/** What else helps where a file failed of this. */
const MORE_ON_FILE: Partial<Record<FailureKind, string>> = {
  'too-many-rejects':
    ' "rejects --feed <feed> <window>" lists the rows that cannot land. Where types of the feed is wrong, correct it in feeds.json, and type "feeds push" and, after the next tick, "replay <feed> <window>".',
  'suspicious-empty':
    ' If the window is really empty now, "retry <feed> <window> --accept-empty" accepts that from the service. If the service no longer has it, "forget <feed> <window>" takes its rows out, and the file without rows lands.',
}

/** The app asks the service for nothing here, whatever becomes of the feed. */
const REJECTS = {
  remedy:
    'See which values do not fit their types. Then correct types of the feed in feeds.json, or raise its maxRejects, and type "feeds push" and, after the next tick, "replay <feed> <window>".',
  command: FAILURES['too-many-rejects'].command,
} as const

const FEED_CHANGED = {
  remedy:
    'This file landed before, and the feed has changed since. Correct in feeds.json what the message names, and give the file to the app. After the next tick, type "replay <feed> <window>".',
  command: 'feeds push',
} as const

const REPLAYED_EMPTY =
  'The report of this archive has no rows: land again the one that landed before. If the window is really empty now, type "retry <feed> <window> --accept-empty".'

const REPLAYED_OTHER = 'The archived report is not one of this window as the feed is now: ask for the window again.'

const SAME_ARCHIVE = {
  storage:
    'Look with "doctor" whether the app can reach the storage account of DataStorage and has its roles there. Then land the same archive again.',
  poison: 'Read in the log why the function ingest failed. Then land the same archive again.',
} as const

const CUT_OFF =
  'The file was cut off where a value of it was erased, and can land no more. Ask the service for the window again with "retry <feed> <window>", or type "import <feed> <file> <window>" for another file.'

const ROWS_STAND =
  'The dataset no longer offers this window. If you have a file of it, type "import <feed> <file> <window>". Else keep the rows that landed before: land them again from their archive.'

/** The app would ask the service once more, in vain, and its answer would be the last one that the ledger names. */
const rejectsAndGone = (replay: string) =>
  `See which values do not fit their types. Then correct types of the feed in feeds.json, or raise its maxRejects, and type "feeds push" and, after the next tick, "${replay}": the service no longer offers the window, and the archive has its report.`

const BROKEN_LINES = 'The file is broken: "rejects --feed <feed> <window>" lists the lines that are no whole rows.'

const REPORT_LEFT =
  'The dataset no longer offers this window, and its last report has not landed: land that from its archive, once the feed fits it. Or, if you have a file of it, type "import <feed> <file> <window>". Else "accept-gap <feed> <window>" accepts that it has no rows.'

/** The window begins before what the service offers. */
export const GONE: Unasked = { rows: ROWS_STAND, report: REPORT_LEFT, nothing: FAILURES['out-of-range'] }

const HAS_PASSED =
  'The time of this snapshot has passed, and the next one is asked for by itself. If you have a file of it, type "import <feed> <file> <window>".'

/** A snapshot whose time has passed: nobody can ask for it, and it is no gap. */
export const PASSED: Unasked = {
  rows: `${HAS_PASSED} Else land again what landed before.`,
  report: `${HAS_PASSED} Or land its last report from the archive, once the feed fits it. Else "forget <feed> <window>" takes it out.`,
  nothing: { remedy: `${HAS_PASSED} Else take it out, which has no rows.`, command: FORGET },
}

/** Says what a failed window has. `who`: the word for the window. */
export function whatStands(entry: Failed, who: 'it' | 'and'): string {
  const and = who === 'and' ? 'and ' : ''
  const removedAt = entry.figures?.removedAt
  if (removedAt) return `${and}its earlier rows were removed on ${dayWords(removedAt)}`
  return isPublished(entry) ? `${and}the rows of the earlier landing remain` : `${who} has no rows`
}
