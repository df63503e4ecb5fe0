/** A problem with a query. `problem` is one line that names the place. `at` is the place, counted from 0. */
export type QueryProblem = { readonly problem: string; readonly at: number }

export type Token = {
  readonly kind: 'word' | 'string' | 'number' | 'sign'
  /** A string without its quotes. */
  readonly text: string
  /** Where it begins in the query, counted from 0. */
  readonly at: number
}

const TOKEN =
  /(?:'(?<string>[^']*)'|(?<number>-?\d+(?:\.\d+)?)(?![\w.])|(?<word>[A-Za-z]\w*)|(?<sign><=|>=|!=|[=<>,()*]))/y

/** The clauses in the only valid order. A query needs the first two. */
const CLAUSES = ['SELECT', 'FROM', 'WHERE', 'ORDER BY', 'LIMIT', 'TIMESPAN'] as const

/** For messages. */
export const ORDER = `the order is ${CLAUSES.join(', ')}`

export type ClauseName = (typeof CLAUSES)[number]

/** The tokens of a clause without its keyword, and where the clause ends in the text. */
export type Clause = { readonly tokens: readonly Token[]; readonly end: number }

export type Clauses = ReadonlyMap<ClauseName, Clause>

/** Keywords. None of them can be a name. */
const RESERVED = new Set(
  'SELECT DISTINCT FROM WHERE AND NOT LIKE IN ORDER BY ASC DESC LIMIT TIMESPAN OR GROUP HAVING JOIN AS'.split(' '),
)

/** No query comes near this length, in characters: that of all columns of the largest dataset is a tenth of it. */
const LONGEST_QUERY = 30_000

/** Splits a query into tokens, or gives the first place that is not a token. One `;` at the end is allowed. */
export function tokenize(text: string): readonly Token[] | QueryProblem {
  if (text.length > LONGEST_QUERY) return { problem: `a query has at most ${LONGEST_QUERY} characters`, at: 0 }
  const end = endOf(text)
  const tokens: Token[] = []
  const pattern = new RegExp(TOKEN)
  for (let at = skipBlanks(text, 0); at < end; at = skipBlanks(text, pattern.lastIndex)) {
    pattern.lastIndex = at
    const found = Object.entries(pattern.exec(text)?.groups ?? {}).find(([, part]) => part !== undefined)
    if (!found) return unreadable(text, at)
    tokens.push({ kind: found[0] as Token['kind'], text: found[1], at })
  }
  return tokens
}

/** Where a query ends, without blanks and without a `;` after it. */
function endOf(text: string): number {
  const trimmed = text.trimEnd()
  return trimmed.endsWith(';') ? trimmed.slice(0, -1).trimEnd().length : trimmed.length
}

function skipBlanks(text: string, at: number): number {
  let next = at
  while (/\s/.test(text[next] ?? '')) next += 1
  return next
}

function unreadable(text: string, at: number): QueryProblem {
  const place = placeOf(text, at)
  if (text[at] === "'") return { problem: `a quote opens at ${place} and is not closed`, at }
  if (text[at] === '"') return { problem: `there are double quotes at ${place}; text goes in single quotes`, at }
  const shown = /^[^\s,()]{1,20}/.exec(text.slice(at))?.[0] ?? text[at]
  return { problem: `${shown} at ${place} is neither a name, a number nor a sign of the query language`, at }
}

/** Splits the tokens of a query into its clauses, or gives the first problem with their order. */
export function cutClauses(text: string, tokens: readonly Token[]): Clauses | QueryProblem {
  const starts = tokens.flatMap((token, index) => {
    const name = CLAUSES.find((clause) => isWord(token, clause.replace(/ .*/, '')))
    return name ? [{ name, index, at: token.at }] : []
  })
  const [first] = tokens
  if (first && starts[0]?.index !== 0) {
    return { problem: `a query begins with SELECT, not with ${first.text}`, at: first.at }
  }
  const clauses = new Map<ClauseName, Clause>()
  for (const [number, { name, index, at }] of starts.entries()) {
    const place = placeOf(text, at)
    const before = starts[number - 1]?.name
    if (clauses.has(name)) return { problem: `${name} appears a second time at ${place}; once is enough`, at }
    if (before && CLAUSES.indexOf(name) < CLAUSES.indexOf(before)) {
      return { problem: `${name} at ${place} comes after ${before}; ${ORDER}`, at }
    }
    if (name === 'ORDER BY' && !isWord(tokens[index + 1], 'BY')) {
      return { problem: `ORDER at ${place} must be followed by BY`, at }
    }
    const next = starts[number + 1]
    const length = name.split(' ').length
    clauses.set(name, { tokens: tokens.slice(index + length, next?.index), end: next?.at ?? text.length })
  }
  return clauses
}

export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toUpperCase() === word
}

export function isName(token: Token | undefined): token is Token {
  return token?.kind === 'word' && !isReserved(token.text)
}

export function isReserved(word: string): boolean {
  return RESERVED.has(word.toUpperCase())
}

/** Describes a place in a text for a message. Characters and lines count from 1. */
export function placeOf(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n')
  const character = `character ${(lines.at(-1)?.length ?? 0) + 1}`
  return text.trim().includes('\n') ? `line ${lines.length}, ${character}` : character
}
