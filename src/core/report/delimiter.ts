/** The byte order mark and the empty lines that may come before a header. */
const BEFORE = /^\uFEFF?(?:\r?\n)*/

/** A first field in quotes, and the character after it. */
const QUOTED_FIRST = /^"[^"]*(?:""[^"]*)*"([^"])/

/**
 * Tells CSV from TSV by the start of a file. Gives undefined if the header may continue after `head`. A tab in the first
 * line of the header means TSV, because no column of the service has a tab in its name. So does a tab right after a first
 * field whose quotes contain line ends.
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
