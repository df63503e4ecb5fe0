/** Longest part of somebody else's message that goes into one of ours. */
const LENGTH = 240

/**
 * Somebody else's text as it may go into a message of ours: one line, of limited length, addresses cut after their host
 * (a path can hold a callback token, a query a signature), unbroken words longer than a GUID, as a token is one, cut to their beginning.
 */
export function safeText(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/@'"]*@)?([^\s/?#'"<>]*)[^\s'"<>]*/gi, '$1$2/…')
    .replace(/[\w.~+/=-]{37,}/g, (word) => `${word.slice(0, 6)}…`)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, LENGTH)
}

/** What went wrong in a call that got no answer, in a few words: the error's name and the system's code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const code = codeOf(error) ?? codeOf(error.cause)
  return code ? `${error.name}, ${code}` : error.name
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code.slice(0, 60) : undefined
}
