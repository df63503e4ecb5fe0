import { nearest } from '../names.ts'
import { present } from '../present.ts'
import { COMPARISONS, type Condition, type Literal, type ReportQuery, TIMESPANS, type Timespan } from './query.ts'
import {
  type Clause,
  type ClauseName,
  cutClauses,
  isName,
  isWord,
  ORDER,
  placeOf,
  type QueryProblem,
  type Token,
  tokenize,
} from './tokens.ts'

/** A part of a text and where it begins, counted from 0. */
export type Located<T> = { readonly value: T; readonly at: number }

/** A query, and where the names in it begin. */
export type LocatedQuery = {
  readonly query: ReportQuery
  /** Columns and metrics in the order of the text. */
  readonly names: readonly Located<string>[]
  readonly dataset: Located<string>
  readonly timespan: Located<Timespan> | undefined
}

/** Parses the text of a query into its parts, or gives the first syntax error. */
export function parseQuery(text: string): ReportQuery | QueryProblem {
  const located = locateQuery(text)
  return 'problem' in located ? located : located.query
}

/** Like `parseQuery`, but also gives the places of all names. */
export function locateQuery(text: string): LocatedQuery | QueryProblem {
  const tokens = tokenize(text)
  if ('problem' in tokens) return tokens
  const clauses = cutClauses(text, tokens)
  if ('problem' in clauses) return clauses
  const faults: QueryProblem[] = []
  const read = <T>(name: ClauseName, reader: (cursor: Cursor) => T): T | undefined => {
    const clause = clauses.get(name)
    return clause && readClause({ text, clause, faults, index: 0 }, reader)
  }
  const select = read('SELECT', readSelect)
  const from = read('FROM', (cursor) => takeName(cursor, 'the name of a dataset'))
  const where = read('WHERE', readConditions) ?? []
  const order = read('ORDER BY', (cursor) => listOf(cursor, readOrder, isComma)) ?? []
  const limit = read('LIMIT', readLimit)
  const timespan = read('TIMESPAN', readTimespan)
  const [fault] = faults
  if (fault) return fault
  if (!select || !from) return { problem: `${select ? 'FROM' : 'SELECT'} is missing; ${ORDER}`, at: text.length }
  const selected = select.fields.map((field) => ({ value: field.text, at: field.at }))
  const used = [...where, ...order].map(({ value, at }) => ({ value: value.field, at }))
  const query = present<ReportQuery>({
    distinct: select.distinct,
    fields: select.fields.map((field) => field.text),
    dataset: from.text,
    where: where.map(({ value }) => value),
    order: order.map(({ value }) => value),
    limit,
    timespan: timespan?.value,
  })
  return { query, names: [...selected, ...used], dataset: { value: from.text, at: from.at }, timespan }
}

/** Parses the conditions of a WHERE clause. `text` does not include the word WHERE. */
export function locateConditions(text: string): readonly Located<Condition>[] | QueryProblem {
  const tokens = tokenize(text)
  if ('problem' in tokens) return tokens
  const faults: QueryProblem[] = []
  const where = readClause({ text, clause: { tokens, end: text.length }, faults, index: 0 }, readConditions)
  return faults[0] ?? where
}

function readClause<T>(cursor: Cursor, reader: (cursor: Cursor) => T): T {
  const result = reader(cursor)
  if (cursor.faults.length === 0 && peek(cursor)) expect(cursor, 'the end of the clause')
  return result
}

function readSelect(cursor: Cursor): { readonly distinct: boolean; readonly fields: readonly Token[] } {
  const distinct = isWord(peek(cursor), 'DISTINCT')
  if (distinct) cursor.index += 1
  return { distinct, fields: listOf(cursor, takeField, isComma) }
}

function readConditions(cursor: Cursor): readonly Located<Condition>[] {
  return listOf(cursor, readCondition, (token) => isWord(token, 'AND'))
}

function readCondition(cursor: Cursor): Located<Condition> | undefined {
  const field = takeField(cursor)
  if (!field) return undefined
  const { text, at } = field
  const negated = isWord(peek(cursor), 'NOT')
  if (negated) cursor.index += 1
  const word = `${negated ? 'NOT ' : ''}${peek(cursor)?.text.toUpperCase()}`
  if (word === 'IN' || word === 'NOT IN') {
    cursor.index += 1
    const values = readValues(cursor)
    return values && { value: { field: text, operator: word, values }, at }
  }
  const operator = COMPARISONS.find((each) => each === word)
  if (!operator) return expect(cursor, negated ? 'LIKE or IN' : `one of ${COMPARISONS.join(' ')} IN, NOT IN`)
  cursor.index += 1
  const value = takeLiteral(cursor)
  return value && { value: { field: text, operator, value }, at }
}

/** A list in parentheses: all numbers or all strings. */
function readValues(cursor: Cursor): readonly Literal[] | undefined {
  if (!takeSign(cursor, '(')) return undefined
  const { kind } = peek(cursor) ?? {}
  const values = listOf(cursor, (each) => takeLiteral(each, kind), isComma)
  return takeSign(cursor, ')') ? values : undefined
}

function readOrder(cursor: Cursor): Located<ReportQuery['order'][number]> | undefined {
  const field = takeField(cursor)
  if (!field) return undefined
  const direction = (['ASC', 'DESC'] as const).find((each) => isWord(peek(cursor), each))
  if (direction) cursor.index += 1
  return { value: { field: field.text, ...(direction && { direction }) }, at: field.at }
}

function readLimit(cursor: Cursor): number | undefined {
  const token = peek(cursor)
  const limit = token?.kind === 'number' && /^[1-9]\d*$/.test(token.text) ? Number(token.text) : Number.NaN
  if (!Number.isSafeInteger(limit)) return expect(cursor, 'a whole number from 1')
  cursor.index += 1
  return limit
}

function readTimespan(cursor: Cursor): Located<Timespan> | undefined {
  const token = peek(cursor)
  const word = TIMESPANS.find((each) => isWord(token, each))
  if (!token || !word) {
    const like = token && nearest(token.text, TIMESPANS)
    return expect(cursor, `one of ${TIMESPANS.join(', ')}`, like ? `; the nearest is ${like}` : '')
  }
  cursor.index += 1
  return { value: word, at: token.at }
}

/** Reads the tokens of one clause from left to right. Problems go to `faults`. */
type Cursor = {
  readonly text: string
  readonly clause: Clause
  readonly faults: QueryProblem[]
  index: number
}

/** Reads one or more parts with a separator between them. The list ends where no separator follows. */
function listOf<T>(
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

function takeField(cursor: Cursor): Token | undefined {
  return takeName(cursor, 'the name of a column or metric')
}

/** Takes the name under the cursor and moves on. Adds a problem if there is no name. */
function takeName(cursor: Cursor, what: string): Token | undefined {
  const token = peek(cursor)
  if (!isName(token)) return expect(cursor, what)
  cursor.index += 1
  return token
}

function takeLiteral(cursor: Cursor, kind?: Token['kind']): Literal | undefined {
  const token = peek(cursor)
  const fits = token?.kind === 'number' || token?.kind === 'string'
  if (!fits || (kind && token.kind !== kind)) {
    return expect(cursor, fits ? `a ${kind} like the one before it` : 'a number or a text in single quotes')
  }
  cursor.index += 1
  return token.kind === 'number' ? { number: token.text } : { string: token.text }
}

function takeSign(cursor: Cursor, sign: string): boolean {
  const token = peek(cursor)
  const found = token?.kind === 'sign' && token.text === sign
  if (found) cursor.index += 1
  else expect(cursor, sign)
  return found
}

function peek({ clause, index }: Cursor): Token | undefined {
  return clause.tokens[index]
}

function isComma(token: Token | undefined): boolean {
  return token?.kind === 'sign' && token.text === ','
}

/** Adds a problem: something else is expected under the cursor. Only the first problem of a query is reported. */
function expect(cursor: Cursor, what: string, hint = hintAt(peek(cursor))): undefined {
  const { text, clause, faults } = cursor
  const token = peek(cursor)
  const at = token?.at ?? clause.end
  const shown = token?.kind === 'string' ? `'${token.text}'` : token?.text
  const instead = shown === undefined ? '' : `, not ${shown}`
  faults.push({ problem: `${what} is expected at ${placeOf(text, at)}${instead}${hint}`, at })
}

/** A hint for what SQL has and this language lacks. */
function hintAt(token: Token | undefined): string {
  if (token?.text === '*') return ': name every column, * is not supported'
  if (isWord(token, 'OR')) return ': join conditions with AND, OR is not supported'
  if (isWord(token, 'AS')) return ': aliases are not supported'
  return ''
}
