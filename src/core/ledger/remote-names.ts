import type { Feed } from '../feeds/feed.ts'
import { type Window, windowId } from '../time/window.ts'

/**
 * Names of our objects at the service are made of letters, digits and blanks, the set seen to be safe in the field.
 * A feed's name has no capital letters, so `X` stands for its hyphens and nothing else.
 */
const plain = (name: string): string => name.replaceAll('-', 'X')

/** The name of one attempt's report: the same whoever asks, so that a lost answer can be looked up. */
export function reportName(deployment: string, feed: Pick<Feed, 'name'>, window: Window, attempt: number): string {
  return `pis ${deployment} ${plain(feed.name)} ${windowId(window).replace('_', ' ')} ${attempt}`
}

/** Whether a report or query was named by this deployment. */
export function isOurs(deployment: string, name: string): boolean {
  return name.startsWith(`pis ${deployment} `)
}

/** The name of the query the app registers for a feed; another `hash` is another query. */
export function queryName(deployment: string, feed: Pick<Feed, 'name' | 'hash'>): string {
  return `pis ${deployment} ${plain(feed.name)} ${feed.hash}`
}
