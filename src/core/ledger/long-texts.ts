/** A row of Table Storage, as far as its texts go. */
type Row<V> = Readonly<Record<string, V>>

/**
 * Table Storage holds 64 KiB of UTF-16 in one property. Not less, so that an instance of a version that splits no texts
 * can read all that fits one property.
 */
const PIECE_LENGTH = 32_768

/** Gives a row whose texts fit: what `figures` cannot hold follows in `figures_2`, `figures_3` and so on. */
export function splitTexts<V>(row: Row<V>): Row<V | string> {
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]): readonly (readonly [string, V | string])[] =>
      typeof value === 'string' ? piecesOf(value).map((piece, at) => [nameOf(name, at), piece]) : [[name, value]],
    ),
  )
}

/** Gives a row with its texts whole again; the properties they went on in stay beside them. */
export function joinTexts<V>(row: Row<V>): Row<V | string> {
  const whole = ([name, value]: readonly [string, V]) =>
    [name, typeof value === 'string' ? value + restOf(row, name, 1) : value] as const
  return Object.fromEntries(Object.entries(row).map(whole))
}

/** A row holds no more pieces than this of one text: it stays below 1 MiB. */
const MOST_PIECES = 16

/** The names of the properties that a text may go on in, for a reader that names what it wants. */
export function pieceNames(name: string): readonly string[] {
  return Array.from({ length: MOST_PIECES }, (_, at) => nameOf(name, at))
}

function nameOf(name: string, at: number): string {
  return at === 0 ? name : `${name}_${at + 1}`
}

function piecesOf(text: string): readonly string[] {
  if (text.length <= PIECE_LENGTH) return [text]
  const end = isHighSurrogate(text.charCodeAt(PIECE_LENGTH - 1)) ? PIECE_LENGTH - 1 : PIECE_LENGTH
  return [text.slice(0, end), ...piecesOf(text.slice(end))]
}

/** Half a pair of surrogates has no form in UTF-8: both stay in one piece. */
function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function restOf<V>(row: Row<V>, name: string, at: number): string {
  const piece = row[nameOf(name, at)]
  return typeof piece === 'string' ? piece + restOf(row, name, at + 1) : ''
}
