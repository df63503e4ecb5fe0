import type { Feed } from './feeds.ts'
import { type Window, windowId } from './windows.ts'

/**
 * Names of our objects at the service are made of letters, digits and blanks, the set seen to be safe in the field.
 * A feed's name has no capital letters, so `X` stands for its hyphens and nothing else.
 */
const plain = (name: string): string => name.replaceAll('-', 'X')

/** The name of one attempt's report: the same whoever asks, so that a lost answer can be looked up. */
export function reportName(deployment: string, feed: Feed, window: Window, attempt: number): string {
  return `pis ${deployment} ${plain(feed.name)} ${windowId(window).replace('_', ' ')} ${attempt}`
}

/** The name of the query the app registers for a feed; another `hash` is another query. */
export function queryName(deployment: string, feed: Feed): string {
  return `${queryPrefix(deployment, feed)}${feed.hash}`
}

/** What the names of all queries the app ever registered for a feed begin with. */
export function queryPrefix(deployment: string, feed: Feed): string {
  return `pis ${deployment} ${plain(feed.name)} `
}
