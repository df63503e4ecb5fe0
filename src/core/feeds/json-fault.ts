/** Where a text stops being JSON, counted from 1, and what would have to stand there. */
export type JsonFault = { readonly line: number; readonly column: number; readonly expected: Expected }

/** What may come next: all the state there is, besides the brackets that are open. */
type Expected =
  | 'a value'
  | 'a value or ]'
  | 'a name in quotes'
  | 'a name in quotes or }'
  | 'a colon'
  | 'a comma or ]'
  | 'a comma or }'
  | 'the end'

type Bracket = '{' | '['

const BLANKS = /[ \t\r\n]*/y
const TOKEN =
  /[{}[\]:,]|"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y

/**
 * Finds the first fault of a text that is not JSON; undefined when it is. `JSON.parse` decides too, but its message names
 * a place only for some faults.
 */
export function jsonFault(text: string): JsonFault | undefined {
  const open: Bracket[] = []
  let expected: Expected = 'a value'
  let position = match(BLANKS, text, 0).length
  while (position < text.length) {
    const token = match(TOKEN, text, position)
    const next = after(expected, token, open)
    if (!next) break
    expected = next
    position += token.length
    position += match(BLANKS, text, position).length
  }
  if (position === text.length && expected === 'the end') return undefined
  const before = text.slice(0, position).split('\n')
  return { line: before.length, column: (before.at(-1) ?? '').length + 1, expected }
}

/** What is expected after a token, or undefined when the token is not what was expected; keeps the open brackets. */
function after(expected: Expected, token: string, open: Bracket[]): Expected | undefined {
  if (token === ']' || token === '}') {
    if (!expected.endsWith(token)) return undefined
    open.pop()
    return afterValue(open)
  }
  if (token === ',') return afterComma(expected)
  if (token === ':') return expected === 'a colon' ? 'a value' : undefined
  if (expected.startsWith('a name')) return token.startsWith('"') ? 'a colon' : undefined
  if (token === '' || !expected.startsWith('a value')) return undefined
  if (token !== '{' && token !== '[') return afterValue(open)
  open.push(token)
  return token === '{' ? 'a name in quotes or }' : 'a value or ]'
}

function afterComma(expected: Expected): Expected | undefined {
  if (expected === 'a comma or ]') return 'a value'
  return expected === 'a comma or }' ? 'a name in quotes' : undefined
}

function afterValue(open: readonly Bracket[]): Expected {
  const inside = open.at(-1)
  if (!inside) return 'the end'
  return inside === '[' ? 'a comma or ]' : 'a comma or }'
}

function match(pattern: RegExp, text: string, position: number): string {
  pattern.lastIndex = position
  return pattern.exec(text)?.[0] ?? ''
}
