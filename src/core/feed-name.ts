const FEED_NAME = /^[a-z][a-z0-9-]{1,39}$/

/** Whether a text can be the name of a feed; anything else must not reach a table key. */
export function isFeedName(text: string): boolean {
  return FEED_NAME.test(text)
}
