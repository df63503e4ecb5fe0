import { parse as judge } from 'csv-parse/sync'

/** How csv-parse is told to read what our parser reads. */
export const JUDGE = { bom: true, relax_column_count: true, record_delimiter: ['\r\n', '\n'] }

/** The header, and the records that are rows: those of empty cells only are none. */
export const withoutEmpty = (values: readonly string[][]) =>
  values.filter((row, index) => index === 0 || row.some((value) => value !== ''))

/**
 * What csv-parse reads below the empty lines at the top, or undefined where it refuses the text. `relax_quotes`: a quote
 * inside an unquoted cell is literal.
 */
export function judged(text: string, delimiter = ',', relax_quotes = false): string[][] | undefined {
  const below = `\uFEFF${text.replace(/^\uFEFF/, '').replace(/^(?:\r?\n)+/, '')}`
  try {
    const options = { ...JUDGE, delimiter, relax_quotes }
    const [header] = judge(below, { ...options, to: 1 })
    return withoutEmpty(judge(below, { ...options, skip_empty_lines: header?.length !== 1 }))
  } catch {
    return undefined
  }
}
