/** The longest message in the ledger, in an event or in a failure, in characters. */
export const MESSAGE_LENGTH = 1_000

/**
 * What must not reach a terminal or a log: control characters (C0, DEL and C1, among them every escape sequence), the line
 * ends of Unicode, what turns the direction of the text around, other invisible characters, and halves of characters.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}]/gu

/** Gives a text with a blank in place of each control character: one line that shows what it says, and does nothing. */
export function plainText(text: string): string {
  return text.replace(UNSAFE, ' ')
}

/** Gives JSON with its texts as they are, but each unsafe character in them written as an escape. */
export function plainJson(value: unknown, indent = 2): string {
  const json = JSON.stringify(value, undefined, indent)
  return json.replace(UNSAFE, (unsafe) => (unsafe === '\n' ? unsafe : escaped(unsafe)))
}

/** A message of one line and of a bounded length. */
export function plainMessage(text: string): string {
  const plain = plainText(text.slice(0, MESSAGE_LENGTH + 1))
  return plain.length > MESSAGE_LENGTH ? `${plain.slice(0, MESSAGE_LENGTH - 1)}…` : plain
}

/** Characters of `Cf` beyond the first plane take two units. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}
