import { type CatalogType, columnKeyOf, type Dataset } from '../catalog.ts'
import { SERVICE_ID } from '../names.ts'
import { present } from '../present.ts'
import { locateConditions, parseQuery } from '../query/parse.ts'
import { type ColumnType, type Feed, type FeedSource, USER_TYPES } from './feed.ts'
import { FEED_FIELDS } from './fields.ts'
import {
  addProblem,
  type FeedSection,
  isGiven,
  matching,
  oneOf,
  parseColumns,
  parseFlag,
  parseNames,
  parseText,
  read,
  refuseGiven,
  show,
  suggest,
} from './section.ts'

type Types = Feed['types']

const COLUMN_TYPES: Readonly<Record<CatalogType, ColumnType>> = {
  string: 'string',
  guid: 'guid',
  integer: 'int64',
  number: 'double',
  date: 'datetime',
  month: 'month',
}

/** How a column of the catalogue lands, unless a feed's `types` say otherwise. */
export function columnTypeOf(type: CatalogType): ColumnType {
  return COLUMN_TYPES[type]
}

/** The fields that say what a feed selects. A feed has at most one of them. */
const SOURCES = ['columns', 'query', 'queryId'] as const

/** The names that a list may contain, in their final spelling. */
type Vocabulary = {
  readonly names: readonly string[]
  /** What each name is, for messages. */
  readonly what: string
  /** Whether other names are allowed: those of a user's own query, or any name if the dataset's columns are unknown. */
  readonly open: boolean
  /** The form in which names are compared. */
  readonly keyOf: (name: string) => string
}

/** Reads where the query of a feed comes from. Without a dataset (its name is unknown), columns are not checked. */
export function readSource(feed: FeedSection, dataset: Dataset | undefined): FeedSource {
  const columns = read(feed, 'columns', parseNames)
  const query = read(feed, 'query', parseText)
  const queryId = read(feed, 'queryId', matching(SERVICE_ID))
  const given = SOURCES.filter((name) => isGiven(feed, name))
  if (given.length > 1) {
    addProblem(feed, `${given.join(' and ')} are given; it must be one of columns, query and queryId`)
  }
  if (given.includes('query') || given.includes('queryId')) {
    refuseGiven(feed, ['where', 'distinct'], 'write it in the query itself')
  }
  // Only syntax errors in a query are refused here, because a dataset may have columns that the catalogue does not know.
  const isAlone = given.length <= 1
  if (query !== undefined) {
    const parsed = parseQuery(query)
    if (isAlone && 'problem' in parsed) addProblem(feed, `query: ${parsed.problem}`)
    return { kind: 'query', query }
  }
  if (queryId !== undefined) return { kind: 'queryId', queryId }
  const where = read(feed, 'where', parseText)
  const conditions = where === undefined ? [] : locateConditions(where)
  if (isAlone && 'problem' in conditions) addProblem(feed, `where: ${conditions.problem}`)
  const distinct = read(feed, 'distinct', parseFlag) ?? FEED_FIELDS.distinct.schema.default
  const spelled = columns && spell(feed, 'columns', columns, selectable(dataset))
  return present({ kind: 'columns', columns: spelled, where, distinct })
}

/** Reads the columns that identify a row. If the feed names its columns, the key must be some of them. */
export function readKey(feed: FeedSection, source: FeedSource, dataset?: Dataset): readonly string[] | undefined {
  const names = read(feed, 'key', parseNames)
  const chosen = source.kind === 'columns' ? source.columns : undefined
  const possible = landable(source, dataset)
  const known = chosen ? { ...possible, names: chosen, what: "one of the feed's columns", open: false } : possible
  return names && spell(feed, 'key', names, known)
}

/**
 * Reads the type of every column: the types of the catalogue, overridden and extended by the `types` of the feed. `mustHave`
 * are the columns of the latter, where only the report shows whether they exist.
 */
export function readTypes(
  feed: FeedSection,
  source: FeedSource,
  dataset: Dataset | undefined,
): Pick<Feed, 'types'> & { readonly mustHave: readonly string[] | undefined } {
  const given = read(feed, 'types', parseColumns) ?? {}
  const names = Object.keys(given)
  const spelled = spell(feed, 'types', names, landable(source, dataset))
  const subject = { owner: `${feed.owner}, types`, problems: feed.problems }
  const types = names.map((name, index): readonly [string, ColumnType] => {
    const type = oneOf(USER_TYPES)(given[name])
    if (!type) addProblem(subject, `${name} is ${show(given[name])}; it must be one of ${USER_TYPES.join(', ')}`)
    return [spelled[index] ?? name, type ?? 'string']
  })
  return {
    types: { ...(dataset && catalogueTypes(dataset)), ...Object.fromEntries(types) },
    mustHave: source.kind === 'columns' || names.length === 0 ? undefined : spelled.toSorted(),
  }
}

function catalogueTypes(dataset: Dataset): Types {
  return Object.fromEntries([
    ...dataset.columns.map(({ name, type }) => [name, COLUMN_TYPES[type]] as const),
    ...dataset.metrics.map(({ name }) => [name, 'double'] as const),
  ])
}

/** The names that a query written by the app may select. */
function selectable(dataset: Dataset | undefined): Vocabulary {
  const names = [...(dataset?.columns ?? []), ...(dataset?.metrics ?? [])].map(({ name }) => name)
  const what = `a column or metric of ${dataset?.name}`
  return { names, what, open: names.length === 0, keyOf: columnKeyOf(dataset) }
}

/** The names that the columns of a report may have. With the user's own query, they are unknown until the report comes. */
function landable(source: FeedSource, dataset: Dataset | undefined): Vocabulary {
  const known = selectable(dataset)
  return { ...known, open: known.open || source.kind !== 'columns' }
}

/**
 * Gives each name in the spelling of the vocabulary. Another name loses the blanks around it, and is a problem unless the
 * vocabulary is open. A repeated name is a problem too.
 */
function spell(
  feed: FeedSection,
  field: 'columns' | 'key' | 'types',
  names: readonly string[],
  known: Vocabulary,
): readonly string[] {
  const spellings = new Map(known.names.map((candidate) => [known.keyOf(candidate), candidate]))
  const seen = new Set<string>()
  return names.map((name) => {
    const key = known.keyOf(name)
    if (seen.size === seen.add(key).size) addProblem(feed, `${field} has ${show(name)} twice; once is enough`)
    const spelled = spellings.get(key)
    if (!spelled && !known.open) {
      addProblem(feed, `${field} has ${show(name)}, which is not ${known.what}${suggest(name, known.names)}`)
    }
    return spelled ?? name.trim()
  })
}
