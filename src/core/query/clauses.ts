import { isWord, placeOf, type QueryProblem, type Token } from './tokens.ts'

/** In the only order they may come; the first two are needed. */
const CLAUSES = ['SELECT', 'FROM', 'WHERE', 'ORDER BY', 'LIMIT', 'TIMESPAN'] as const

/** For messages. */
export const ORDER = `the order is ${CLAUSES.join(', ')}`

export type ClauseName = (typeof CLAUSES)[number]

/** The tokens of a clause without its keyword, and where the clause ends in the text. */
export type Clause = { readonly tokens: readonly Token[]; readonly end: number }

export type Clauses = ReadonlyMap<ClauseName, Clause>

/** Words that cannot be names, because a clause or a condition is read by them. */
const RESERVED = new Set(
  'SELECT DISTINCT FROM WHERE AND NOT LIKE IN ORDER BY ASC DESC LIMIT TIMESPAN OR GROUP HAVING JOIN AS'.split(' '),
)

export function isReserved(word: string): boolean {
  return RESERVED.has(word.toUpperCase())
}

export function isName(token: Token | undefined): token is Token {
  return token?.kind === 'word' && !isReserved(token.text)
}

/** Cuts the tokens of a query at the words that start a clause, or says which clause is out of order. */
export function cutClauses(text: string, tokens: readonly Token[]): Clauses | QueryProblem {
  const starts = tokens.flatMap((token, index) => {
    const name = CLAUSES.find((clause) => isWord(token, clause.replace(/ .*/, '')))
    return name ? [{ name, index, at: token.at }] : []
  })
  const [first] = tokens
  if (first && starts[0]?.index !== 0) {
    return { problem: `a query begins with SELECT, not with ${first.text}`, at: first.at }
  }
  const misplaced = disorder(text, starts)
  if (misplaced) return misplaced
  return collect(text, tokens, starts)
}

type Start = { readonly name: ClauseName; readonly index: number; readonly at: number }

function disorder(text: string, starts: readonly Start[]): QueryProblem | undefined {
  for (const [index, { name, at }] of starts.entries()) {
    const before = starts[index - 1]?.name
    if (before === undefined || CLAUSES.indexOf(name) > CLAUSES.indexOf(before)) continue
    const place = placeOf(text, at)
    if (starts.slice(0, index).some((start) => start.name === name)) {
      return { problem: `${name} stands a second time at ${place}; once is enough`, at }
    }
    return { problem: `${name} at ${place} comes after ${before}; ${ORDER}`, at }
  }
  return undefined
}

function collect(text: string, tokens: readonly Token[], starts: readonly Start[]): Clauses | QueryProblem {
  const clauses = new Map<ClauseName, Clause>()
  for (const [number, { name, index, at }] of starts.entries()) {
    const next = starts[number + 1]
    if (name === 'ORDER BY' && !isWord(tokens[index + 1], 'BY')) {
      return { problem: `ORDER at ${placeOf(text, at)} must be followed by BY`, at }
    }
    const length = name.split(' ').length
    clauses.set(name, { tokens: tokens.slice(index + length, next?.index), end: next?.at ?? text.length })
  }
  return clauses
}
