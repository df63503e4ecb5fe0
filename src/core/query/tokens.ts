/** What is wrong with a query: one line that names the place, and the place itself, counted from 0. */
export type QueryProblem = { readonly problem: string; readonly at: number }

export type Token = {
  readonly kind: 'word' | 'string' | 'number' | 'sign'
  /** A string without its quotes. */
  readonly text: string
  readonly at: number
}

const TOKEN =
  /(?:'(?<string>[^']*)'|(?<number>-?\d+(?:\.\d+)?)(?![\w.])|(?<word>[A-Za-z]\w*)|(?<sign><=|>=|!=|[=<>,()*]))/y

/** Cuts a query into its tokens, or says where something stands that is none. One `;` at the end is let through. */
export function tokenize(text: string): readonly Token[] | QueryProblem {
  const end = text.replace(/\s*;?\s*$/, '').length
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

/** Says where in a text something stands, for people: characters and lines count from 1. */
export function placeOf(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n')
  const character = `character ${(lines.at(-1)?.length ?? 0) + 1}`
  return text.trim().includes('\n') ? `line ${lines.length}, ${character}` : character
}

export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toUpperCase() === word
}

function skipBlanks(text: string, at: number): number {
  let next = at
  while (/\s/.test(text[next] ?? '')) next += 1
  return next
}

function unreadable(text: string, at: number): QueryProblem {
  const place = placeOf(text, at)
  if (text[at] === "'") return { problem: `a quote opens at ${place} and is not closed`, at }
  if (text[at] === '"') return { problem: `double quotes stand at ${place}; text goes into single quotes`, at }
  const shown = /^[^\s,()]{1,20}/.exec(text.slice(at))?.[0] ?? text[at]
  return { problem: `${shown} at ${place} is neither a name, a number nor a sign of the query language`, at }
}
