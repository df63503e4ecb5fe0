import { type CatalogType, type Dataset, findDataset } from '../../src/core/catalog.ts'
import type { Timespan } from './timespan.ts'
import { toTimespan } from './timespan.ts'

/** A query as far as the simulator follows it; filters and order are checked for their columns and not applied. */
export type ParsedQuery = {
  readonly distinct: boolean
  readonly fields: readonly string[]
  readonly dataset: string
  /** Columns that only filter or order. */
  readonly mentioned: readonly string[]
  readonly limit: number | undefined
  readonly timespan: Timespan | undefined
}

export type SelectedColumn = {
  readonly name: string
  readonly type: CatalogType
  readonly metric: boolean
  /** Values the documents name; a column with them holds no other. */
  readonly values: readonly (string | number)[] | undefined
}

/** A query that holds against what the service offers. */
export type ResolvedQuery = {
  readonly dataset: Dataset
  readonly columns: readonly SelectedColumn[]
  readonly distinct: boolean
  readonly limit: number | undefined
  readonly timespan: Timespan | undefined
}

type Token = { readonly kind: 'word' | 'string' | 'number' | 'sign'; readonly text: string }

/** The service documents no text for a query it cannot read. */
const UNREADABLE = 'Invalid query'

const TOKEN = /\s*(?:(?<string>'[^']*')|(?<number>-?\d+(?:\.\d+)?)|(?<word>[A-Za-z]\w*)|(?<sign><=|>=|!=|[=<>,()]))/y

/** Reads the grammar of the dossier's section 9; undefined when the text is not of it. One `;` at the end is let through. */
export function parseQuery(text: string): ParsedQuery | undefined {
  const tokens = tokenize(text.trim().replace(/;$/, ''))
  const clauses = tokens && cutClauses(tokens)
  if (!clauses) return undefined
  const distinct = isWord(clauses.select[0], 'DISTINCT')
  const fields = listOf(distinct ? clauses.select.slice(1) : clauses.select, isComma, fieldOf)
  const dataset = fieldOf(clauses.from)
  const conditions = clauses.where && listOf(clauses.where, isAnd, conditionField)
  const order = clauses.order && listOf(clauses.order, isComma, orderField)
  const limit = clauses.limit && positiveInteger(clauses.limit)
  const timespan = clauses.timespan && toTimespan(fieldOf(clauses.timespan) ?? '')
  const read = { where: conditions, order, limit, timespan }
  const unread = OPTIONAL.some((clause) => clauses[clause] && read[clause] === undefined)
  if (!fields || !dataset || unread) return undefined
  return { distinct, fields, dataset, mentioned: [...(conditions ?? []), ...(order ?? [])], limit, timespan }
}

/** Gives the query with its columns in the dataset's spelling, or the service's text of refusal (dossier, section 12). */
export function resolveQuery(text: string, datasets: readonly Dataset[]): ResolvedQuery | string {
  const parsed = parseQuery(text)
  if (!parsed) return UNREADABLE
  const dataset = findDataset(datasets, parsed.dataset)
  if (!dataset) return 'Invalid table name'
  const columns = parsed.fields.map((field) => findColumn(dataset, field)).filter((column) => column !== undefined)
  const allKnown = parsed.mentioned.every((field) => findColumn(dataset, field))
  if (columns.length !== parsed.fields.length || !allKnown) return 'Incorrect column name'
  const { distinct, limit, timespan } = parsed
  return { dataset, columns, distinct, limit, timespan }
}

function findColumn(dataset: Dataset, field: string): SelectedColumn | undefined {
  const same = ({ name }: { readonly name: string }) => name.toLowerCase() === field.toLowerCase()
  const column = dataset.columns.find(same)
  if (column) return { name: column.name, type: column.type, metric: false, values: column.values }
  const metric = dataset.metrics.find(same)
  return metric && { name: metric.name, type: 'number', metric: true, values: undefined }
}

function tokenize(text: string): readonly Token[] | undefined {
  const tokens: Token[] = []
  const pattern = new RegExp(TOKEN)
  while (pattern.lastIndex < text.length) {
    const found = Object.entries(pattern.exec(text)?.groups ?? {}).find(([, part]) => part !== undefined)
    if (!found) return undefined
    tokens.push({ kind: found[0] as Token['kind'], text: found[1] })
  }
  return tokens
}

type Clauses = { select: Token[]; from: Token[]; where?: Token[]; order?: Token[]; limit?: Token[]; timespan?: Token[] }

const OPTIONAL = ['where', 'order', 'limit', 'timespan'] as const

/** In the only order they may come. */
const CLAUSES = ['select', 'from', ...OPTIONAL] as const

/** Cuts the tokens at the words that start a clause; the order of clauses is fixed, the first two are needed. */
function cutClauses(tokens: readonly Token[]): Clauses | undefined {
  const clauses: Clauses = { select: [], from: [] }
  let last = -1
  for (const token of tokens) {
    const next = CLAUSES.findIndex((clause) => isWord(token, clause))
    const clause = CLAUSES[next >= 0 ? next : last]
    if (!clause || (next >= 0 && (next <= last || (next > last + 1 && last < 1)))) return undefined
    if (next < 0) clauses[clause]?.push(token)
    else clauses[clause] = []
    last = Math.max(last, next)
  }
  return last >= 1 && dropBy(clauses) ? clauses : undefined
}

/** ORDER is one clause with its BY. */
function dropBy(clauses: Clauses): boolean {
  return !clauses.order || isWord(clauses.order.shift(), 'BY')
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toUpperCase() === word.toUpperCase()
}

function splitAt(tokens: readonly Token[], separates: (token: Token) => boolean): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]]
  for (const token of tokens) {
    if (separates(token)) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

/** Reads every part between separators; undefined when one of them cannot be read. */
function listOf(
  tokens: readonly Token[],
  separates: (token: Token) => boolean,
  read: (part: readonly Token[]) => string | undefined,
): readonly string[] | undefined {
  const parts = splitAt(tokens, separates).map(read)
  const known = parts.filter((part) => part !== undefined)
  return known.length === parts.length ? known : undefined
}

function isComma(token: Token): boolean {
  return token.kind === 'sign' && token.text === ','
}

function isAnd(token: Token): boolean {
  return isWord(token, 'AND')
}

function fieldOf(tokens: readonly Token[]): string | undefined {
  return tokens.length === 1 && tokens[0]?.kind === 'word' ? tokens[0].text : undefined
}

function orderField(tokens: readonly Token[]): string | undefined {
  const directed = isWord(tokens[1], 'ASC') || isWord(tokens[1], 'DESC')
  return fieldOf(directed ? tokens.toSpliced(1, 1) : tokens)
}

/** `field operator value`; what it gives is the field. Each token is written as one letter, so the shape is a pattern. */
function conditionField(tokens: readonly Token[]): string | undefined {
  const shape = tokens.map(shapeOf).join('')
  return /^w(?:[=][v]|N?L[v]|N?I\((?:n(?:,n)*|s(?:,s)*)\))$/.test(shape.replace(/(?<=[=L])[ns]$/, 'v'))
    ? tokens[0]?.text
    : undefined
}

function shapeOf(token: Token): string {
  if (token.kind === 'string') return 's'
  if (token.kind === 'number') return 'n'
  if (token.kind === 'sign') return '(),'.includes(token.text) ? token.text : '='
  return { NOT: 'N', LIKE: 'L', IN: 'I' }[token.text.toUpperCase()] ?? 'w'
}

function positiveInteger(tokens: readonly Token[]): number | undefined {
  const [token] = tokens
  return tokens.length === 1 && /^[1-9]\d*$/.test(token?.text ?? '') ? Number(token?.text) : undefined
}
