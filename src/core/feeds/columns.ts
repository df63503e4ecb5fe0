import type { CatalogType, Dataset } from '../catalog.ts'
import { locateConditions, parseQuery } from '../query/parse.ts'
import type { ColumnType, FeedSource } from './feed.ts'
import {
  addProblem,
  type Fields,
  oneOf,
  parseFlag,
  parseNames,
  parseObject,
  parseText,
  read,
  show,
  suggest,
} from './fields.ts'

type Types = Readonly<Record<string, ColumnType>>

/** The types a person may give a column; `month` is the catalogue's alone. */
export const USER_TYPES = ['string', 'double', 'int64', 'boolean', 'datetime', 'guid'] as const

const COLUMN_TYPES: Readonly<Record<CatalogType, ColumnType>> = {
  string: 'string',
  guid: 'guid',
  integer: 'int64',
  number: 'double',
  date: 'datetime',
  month: 'month',
}

const NAMES = 'a list of names'

/** Names a list may hold, in the spelling it takes on. */
type Vocabulary = {
  readonly names: readonly string[]
  /** What a name is then, for messages. */
  readonly what: string
  /** Whether other names are allowed: a query's own, or any when the dataset is not known. */
  readonly open: boolean
}

/** Reads where the query of a feed comes from. Without a dataset (its name was not known) columns are not checked. */
export function readSource(fields: Fields, dataset: Dataset | undefined): FeedSource {
  const columns = read(fields, 'columns', NAMES, parseNames)
  const query = read(fields, 'query', 'the text of a query', parseText)
  const queryId = read(fields, 'queryId', 'the id of a query', parseText)
  refuseMixed(fields)
  if (query !== undefined) return { kind: 'query', query: grammatical(fields, 'query', query, parseQuery) }
  if (queryId !== undefined) return { kind: 'queryId', queryId }
  const where = read(fields, 'where', 'the text of a condition', parseText)
  if (where !== undefined) grammatical(fields, 'where', where, locateConditions)
  const distinct = read(fields, 'distinct', 'true or false', parseFlag) ?? false
  const spelled = columns && spell(fields, 'columns', columns, selectable(dataset))
  return { kind: 'columns', ...(spelled && { columns: spelled }), ...(where !== undefined && { where }), distinct }
}

/** Reads the columns that identify a row: where the feed names its columns, some of these. */
export function readKey(fields: Fields, source: FeedSource, dataset?: Dataset): readonly string[] | undefined {
  const names = read(fields, 'key', NAMES, parseNames)
  const chosen = source.kind === 'columns' ? source.columns : undefined
  const known = chosen ? { names: chosen, what: "one of the feed's columns", open: false } : landing(source, dataset)
  return names && spell(fields, 'key', names, known)
}

/** Reads the type of every column: the catalogue's, changed and added to by the feed's own `types`. */
export function readTypes(fields: Fields, source: FeedSource, dataset: Dataset | undefined): Types {
  const given = read(fields, 'types', 'an object of columns and their types', parseObject) ?? {}
  const own = { ...fields, owner: `${fields.owner}, types`, values: given }
  const names = Object.keys(given)
  const spelled = spell(fields, 'types', names, landing(source, dataset))
  const types = names.map((name, index): readonly [string, ColumnType] => {
    const type = read(own, name, `one of ${USER_TYPES.join(', ')}`, oneOf(USER_TYPES))
    return [spelled[index] ?? name, type ?? 'string']
  })
  return { ...(dataset && catalogueTypes(dataset)), ...Object.fromEntries(types) }
}

function catalogueTypes(dataset: Dataset): Types {
  return Object.fromEntries([
    ...dataset.columns.map(({ name, type }) => [name, COLUMN_TYPES[type]] as const),
    ...dataset.metrics.map(({ name }) => [name, 'double'] as const),
  ])
}

/** What a query that the app writes may select. */
function selectable(dataset: Dataset | undefined): Vocabulary {
  const names = [...(dataset?.columns ?? []), ...(dataset?.metrics ?? [])].map(({ name }) => name)
  return { names, what: `a column or metric of ${dataset?.name}`, open: !dataset }
}

/** What the columns of a report may be called: those of somebody's own query are not known before it is there. */
function landing(source: FeedSource, dataset: Dataset | undefined): Vocabulary {
  const known = selectable(dataset)
  return { ...known, open: known.open || source.kind !== 'columns' }
}

/** Gives names in the spelling of the vocabulary; one that it lacks, or that comes twice, is a problem. */
function spell(fields: Fields, field: string, names: readonly string[], known: Vocabulary): readonly string[] {
  const lower = names.map((name) => name.toLowerCase())
  return names.map((name, index) => {
    if (lower.indexOf(name.toLowerCase()) < index)
      addProblem(fields, `${field} has ${show(name)} twice; once is enough`)
    const spelled = known.names.find((candidate) => candidate.toLowerCase() === name.toLowerCase())
    if (!spelled && !known.open) {
      addProblem(fields, `${field} has ${show(name)}, which is not ${known.what}${suggest(name, known.names)}`)
    }
    return spelled ?? name
  })
}

/**
 * Text of the query language is refused for its grammar alone: a dataset may have columns that the catalogue does not
 * know. Beside other sources it is refused already.
 */
function grammatical(fields: Fields, field: string, text: string, parse: (text: string) => object): string {
  const parsed = parse(text)
  const alone = ['columns', 'query', 'queryId'].filter((name) => name in fields.values).length <= 1
  if (alone && 'problem' in parsed) addProblem(fields, `${field}: ${String(parsed.problem)}`)
  return text
}

function refuseMixed(fields: Fields): void {
  const given = ['columns', 'query', 'queryId'].filter((name) => name in fields.values)
  if (given.length > 1)
    addProblem(fields, `${given.join(' and ')} are given; it must be one of columns, query and queryId`)
  if (!given.includes('query') && !given.includes('queryId')) return
  for (const field of ['where', 'distinct'].filter((name) => name in fields.values)) {
    addProblem(fields, `${field} is ${show(fields.values[field])}; it must be left out: a query says it itself`)
  }
}
