import { type Clause, isName } from './clauses.ts'
import type { Literal } from './query.ts'
import { isWord, placeOf, type QueryProblem, type Token } from './tokens.ts'

/** Reads the tokens of one clause from left to right; what is wrong goes to `faults`. */
export type Cursor = {
  readonly text: string
  readonly clause: Clause
  readonly faults: QueryProblem[]
  index: number
}

/** One or more parts and what separates them; it ends where no separator follows. */
export function listOf<T>(
  cursor: Cursor,
  part: (cursor: Cursor) => T | undefined,
  separates: (token: Token | undefined) => boolean,
): readonly T[] {
  const parts: T[] = []
  for (;;) {
    const next = part(cursor)
    if (next === undefined) return parts
    parts.push(next)
    if (!separates(peek(cursor))) return parts
    cursor.index += 1
  }
}

/** The name under the cursor, which moves on; a problem where there is none. */
export function takeName(cursor: Cursor, what: string): Token | undefined {
  const token = peek(cursor)
  if (!isName(token)) return expect(cursor, what)
  cursor.index += 1
  return token
}

export function takeLiteral(cursor: Cursor, kind?: Token['kind']): Literal | undefined {
  const token = peek(cursor)
  const fits = token?.kind === 'number' || token?.kind === 'string'
  if (!fits || (kind && token.kind !== kind)) {
    return expect(cursor, fits ? `a ${kind}, as before it in the list` : 'a number or a text in single quotes')
  }
  cursor.index += 1
  return token.kind === 'number' ? { number: token.text } : { string: token.text }
}

export function takeSign(cursor: Cursor, sign: string): boolean {
  const found = peek(cursor)?.kind === 'sign' && peek(cursor)?.text === sign
  if (found) cursor.index += 1
  else expect(cursor, sign)
  return found
}

export function peek({ clause, index }: Cursor): Token | undefined {
  return clause.tokens[index]
}

export function isComma(token: Token | undefined): boolean {
  return token?.kind === 'sign' && token.text === ','
}

export function isAnd(token: Token | undefined): boolean {
  return isWord(token, 'AND')
}

/** Notes that something else must stand under the cursor; only the first such note of a query is told. */
export function expect(cursor: Cursor, what: string): undefined {
  const { text, clause, faults } = cursor
  const token = peek(cursor)
  const at = token?.at ?? clause.end
  faults.push({ problem: `${describe(token)} at ${placeOf(text, at)}; ${what} must stand there${hint(token)}`, at })
}

function describe(token: Token | undefined): string {
  if (!token) return 'nothing stands'
  return `${token.kind === 'string' ? `'${token.text}'` : token.text} stands`
}

/** What people expect of SQL and this language lacks. */
function hint(token: Token | undefined): string {
  if (token?.text === '*') return ': there is no *, every column is named'
  if (isWord(token, 'OR')) return ': conditions are joined by AND alone'
  if (isWord(token, 'AS')) return ': there are no aliases'
  return ''
}
