import { PROGRAM } from '../failures.ts'
import { dayText } from '../time/instants.ts'
import type { Window } from '../time/window.ts'
import { windowOption } from '../time/words.ts'

export const DOCTOR = `${PROGRAM} doctor`
export const PUSH_FEEDS = `${PROGRAM} feeds push`
/** What stands at the service, of whomever. */
export const REPORTS = `${PROGRAM} reports --all`

/** A command about one window: `npx partner-insights-sync retry azure-usage --month 2026-10`. */
export function windowCommand(
  name: 'retry' | 'replay' | 'diff' | 'forget' | 'accept-gap',
  feed: string,
  window: Window,
  option?: '--accept-empty',
): string {
  return [PROGRAM, name, feed, windowOption(window), ...(option ? [option] : [])].join(' ')
}

/** A command about all windows of a feed that overlap a time. */
export function retrySpan(feed: string, { from, to }: Window): string {
  return `${PROGRAM} retry ${feed} --from ${dayText(from)} --to ${dayText(to)}`
}

export function rejectsCommand(feed: string, window: Window): string {
  return `${PROGRAM} rejects --feed ${feed} ${windowOption(window)}`
}

export function purgeCommand(feed: string): string {
  return `${PROGRAM} purge --feed ${feed}`
}

export function resumeCommand(feed: string): string {
  return `${PROGRAM} backfill resume --feed ${feed}`
}

export function outdatedCommand(feed: string): string {
  return `${PROGRAM} backfill --outdated --feed ${feed}`
}

export function columnsCommand(dataset: string): string {
  return `${PROGRAM} datasets ${dataset}`
}

export function consentCommand(account: string): string {
  return `${PROGRAM} consent --account ${account}`
}
