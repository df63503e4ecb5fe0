/** The longest part of somebody else's message that goes into one of ours, in characters. */
const MAX_LENGTH = 240

/** Of a longer text only so much is looked at, in characters. */
const LOOKED_AT = 2_000

/**
 * The value of what is named like a secret, as in the query of an address without a host, in JSON or in a header. Keys of
 * rows and codes of errors are none. An error has its code after a colon, a secret one after an equals sign.
 */
const SECRET_VALUE =
  /(sig|signature|token|secret|password|assertion|(?<=^|[^a-z]|%3f|%26)(?<!error_)code(?!["']?\s{0,3}:)|(?<!row|partition)key)(["']?\s{0,3}(?:[=:]|%(?:25){0,3}3[ad])\s{0,3}(?:["']|%(?:25){0,3}2[27])?)[^\s&"'<>]+/gi

/** What a header of a call signs in with (RFC 9110, section 11.4). */
const SIGN_IN = /\b(Bearer|Basic)\s{1,3}[^\s"'<>]+/gi

/**
 * Makes somebody else's text safe for a message of ours. It becomes one line of limited length. Addresses are cut after
 * their host, because a path can contain a callback token and a query a signature. Values of parameters that are named like
 * secrets are cut off, because an address need not have a host. Words longer than a GUID, as tokens are, are cut to their
 * first characters.
 */
export function safeText(text: string): string {
  return startOf(text)
    .replace(/\b([a-z][a-z0-9+.-]{0,30}:\/\/)(?:[^\s/@'"]*@)?([^\s/?#'"<>]*)[^\s'"<>]*/gi, '$1$2/…')
    .replace(/[\w.~+/=-]{37,}/g, (word) => `${word.slice(0, 6)}…`)
    .replace(SECRET_VALUE, '$1$2…')
    .replace(SIGN_IN, '$1 …')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_LENGTH)
}

/**
 * The start of a long text, up to its last whole word: half an address or half a token would no longer look like one. Of
 * a single long word only the first characters stay.
 */
function startOf(text: string): string {
  if (text.length <= LOOKED_AT) return text
  let end = LOOKED_AT
  while (end > 0 && /\S/.test(text.charAt(end))) end -= 1
  return end > 0 ? text.slice(0, end) : `${text.slice(0, 6)}…`
}

/** Gives an address without its query, which can be a signature, and without a user name and password. */
export function safeAddress(url: URL): string {
  return `${url.origin}${url.pathname}`
}

/** Says why a call got no answer: the name of the error and the system's code for it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const code = codeOf(error) ?? codeOf(error.cause)
  return code ? `${error.name}, ${code}` : error.name
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code.slice(0, 60) : undefined
}
