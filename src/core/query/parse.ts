import { nearest } from '../names.ts'
import { type ClauseName, type Clauses, cutClauses, ORDER } from './clauses.ts'
import { type Cursor, expect, isAnd, isComma, listOf, peek, takeLiteral, takeName, takeSign } from './cursor.ts'
import {
  COMPARISONS,
  type Comparison,
  type Condition,
  type Literal,
  type ReportQuery,
  TIMESPANS,
  type Timespan,
} from './query.ts'
import { isWord, type QueryProblem, type Token, tokenize } from './tokens.ts'

/** A query, and where the names in it begin. */
export type LocatedQuery = {
  readonly query: ReportQuery
  /** Columns and metrics in the order of the text. */
  readonly names: readonly Located<string>[]
  readonly dataset: Located<string>
  readonly timespan: Located<Timespan> | undefined
}

/** A part of a text and where it begins, counted from 0. */
export type Located<T> = { readonly value: T; readonly at: number }

/** Reads the text of a query into its parts, or gives the first thing in it that is not of the query language. */
export function parseQuery(text: string): ReportQuery | QueryProblem {
  const located = locateQuery(text)
  return 'problem' in located ? located : located.query
}

/** As `parseQuery`, with the places of all names. */
export function locateQuery(text: string): LocatedQuery | QueryProblem {
  const tokens = tokenize(text)
  if ('problem' in tokens) return tokens
  const clauses = cutClauses(text, tokens)
  if ('problem' in clauses) return clauses
  const faults: QueryProblem[] = []
  const parts = readParts(text, clauses, faults)
  const { select, from } = parts
  const [fault] = faults
  if (fault) return fault
  if (!select || !from) return { problem: `${select ? 'FROM' : 'SELECT'} is missing; ${ORDER}`, at: text.length }
  return assemble({ ...parts, select, from })
}

/** Reads the conditions of a WHERE that stand alone, without the word. */
export function locateConditions(text: string): readonly Located<Condition>[] | QueryProblem {
  const tokens = tokenize(text)
  if ('problem' in tokens) return tokens
  const faults: QueryProblem[] = []
  const cursor = { text, clause: { tokens, end: text.length }, faults, index: 0 }
  const where = readClause(cursor, (each) => listOf(each, readCondition, isAnd))
  return faults[0] ?? where
}

function readParts(text: string, clauses: Clauses, faults: QueryProblem[]) {
  const read = <T>(name: ClauseName, reader: (cursor: Cursor) => T): T | undefined => {
    const clause = clauses.get(name)
    return clause && readClause({ text, clause, faults, index: 0 }, reader)
  }
  return {
    select: read('SELECT', readSelect),
    from: read('FROM', (cursor) => takeName(cursor, 'the name of a dataset')),
    where: read('WHERE', (cursor) => listOf(cursor, readCondition, isAnd)) ?? [],
    order: read('ORDER BY', (cursor) => listOf(cursor, readOrder, isComma)) ?? [],
    limit: read('LIMIT', readLimit),
    timespan: read('TIMESPAN', readTimespan),
  }
}

type Parts = ReturnType<typeof readParts>

function assemble(parts: Parts & { readonly select: Select; readonly from: Token }): LocatedQuery {
  const { select, from, where, order, limit, timespan } = parts
  const query: ReportQuery = {
    ...{ distinct: select.distinct, fields: select.fields.map((field) => field.text), dataset: from.text },
    ...{ where: where.map(({ value }) => value), order: order.map(({ value }) => value) },
    ...(limit !== undefined && { limit }),
    ...(timespan && { timespan: timespan.value }),
  }
  const selected = select.fields.map((field) => ({ value: field.text, at: field.at }))
  const used = [...where, ...order].map(({ value, at }) => ({ value: value.field, at }))
  return { query, names: [...selected, ...used], dataset: { value: from.text, at: from.at }, timespan }
}

type Select = { readonly distinct: boolean; readonly fields: readonly Token[] }

function readClause<T>(cursor: Cursor, reader: (cursor: Cursor) => T): T {
  const result = reader(cursor)
  if (cursor.faults.length === 0 && peek(cursor)) expect(cursor, 'the end of the clause')
  return result
}

function readSelect(cursor: Cursor): Select {
  const distinct = isWord(peek(cursor), 'DISTINCT')
  if (distinct) cursor.index += 1
  return { distinct, fields: listOf(cursor, (each) => takeName(each, 'the name of a column or metric'), isComma) }
}

function readCondition(cursor: Cursor): Located<Condition> | undefined {
  const field = takeName(cursor, 'the name of a column or metric')
  if (!field) return undefined
  const negated = isWord(peek(cursor), 'NOT')
  if (negated) cursor.index += 1
  const operator = peek(cursor)
  const word = `${negated ? 'NOT ' : ''}${operator?.text.toUpperCase()}`
  const { at } = field
  if (word === 'IN' || word === 'NOT IN') {
    cursor.index += 1
    const values = readValues(cursor)
    return values && { value: { field: field.text, operator: word, values }, at }
  }
  const comparison = COMPARISONS.find((each) => each === word)
  if (!comparison) return expect(cursor, negated ? 'LIKE or IN' : `one of ${COMPARISONS.join(' ')} IN, NOT IN`)
  cursor.index += 1
  return readComparison(cursor, field, comparison)
}

function readComparison(cursor: Cursor, field: Token, operator: Comparison): Located<Condition> | undefined {
  const value = takeLiteral(cursor)
  return value && { value: { field: field.text, operator, value }, at: field.at }
}

/** A list in parentheses: all numbers or all strings. */
function readValues(cursor: Cursor): readonly Literal[] | undefined {
  if (!takeSign(cursor, '(')) return undefined
  const { kind } = peek(cursor) ?? {}
  const values = listOf(cursor, (each) => takeLiteral(each, kind), isComma)
  return takeSign(cursor, ')') ? values : undefined
}

function readOrder(cursor: Cursor): Located<ReportQuery['order'][number]> | undefined {
  const field = takeName(cursor, 'the name of a column or metric')
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
    return expect(cursor, `one of ${TIMESPANS.join(', ')}${like ? ` (is it ${like}?)` : ''}`)
  }
  cursor.index += 1
  return { value: word, at: token.at }
}
