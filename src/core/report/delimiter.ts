/** The byte order mark and the empty lines that may come before a header. */
const BEFORE = /^\uFEFF?(?:\r?\n)*/

/** A first field in quotes, and the character behind it. */
const QUOTED_FIRST = /^"[^"]*(?:""[^"]*)*"([^"])/

/**
 * Tells CSV from TSV by how a file begins; undefined while the header may go on beyond `head`. A tab in the header's
 * first line makes it TSV, for no column of the service has one in its name; so does a tab right behind a first field
 * that holds line ends within its quotes.
 */
export function delimiterOf(head: string): ',' | '\t' | undefined {
  const header = head.replace(BEFORE, '')
  const lineEnd = header.indexOf('\n')
  if (header.slice(0, lineEnd === -1 ? header.length : lineEnd).includes('\t')) return '\t'
  if (lineEnd === -1) return undefined
  if (!header.startsWith('"')) return ','
  const behind = QUOTED_FIRST.exec(header)?.[1]
  if (behind === undefined) return undefined
  return behind === '\t' ? '\t' : ','
}
