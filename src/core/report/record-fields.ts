/**
 * Why a record cannot be trusted. `ragged`: another number of fields than the header. `text-after-quote`: text between a
 * closing quote and the next delimiter. `too-long`: longer than the limit. `unclosed-quote`: the text ended inside quotes.
 */
export type Verdict = 'ragged' | 'text-after-quote' | 'too-long' | 'unclosed-quote'

/** The fields of a record as text, quotes taken off, or why there are none. */
export type Split = readonly string[] | Verdict

export const QUOTE = 34

/** What is in one line, or undefined where a quote is open at its end and the record goes on. */
export function splitLine(line: string, delimiter: string, isPlain: boolean): Split | undefined {
  if (isPlain) return line.split(delimiter)
  const split = splitQuoted(line, delimiter)
  return split === 'unclosed-quote' ? undefined : split
}

/** The fields of one record, or why there are none. */
export function splitQuoted(text: string, delimiter: string): Split {
  const fields: string[] = []
  for (let at = 0; at <= text.length; at++) {
    if (text.charCodeAt(at) !== QUOTE) {
      const end = indexOrEnd(text, delimiter, at)
      fields.push(text.slice(at, end))
      at = end
      continue
    }
    const close = closingQuote(text, at + 1)
    if (close === -1) return 'unclosed-quote'
    const field = text.slice(at + 1, close)
    fields.push(field.includes('"') ? field.replaceAll('""', '"') : field)
    at = close + 1
    if (at < text.length && text[at] !== delimiter) return 'text-after-quote'
  }
  return fields
}

/** The quote that is not one of a doubled pair, or -1. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at !== -1 && text.charCodeAt(at + 1) === QUOTE) at = text.indexOf('"', at + 2)
  return at
}

/** The index of `wanted`, or the length of the text where there is none. */
export function indexOrEnd(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from)
  return index === -1 ? text.length : index
}
