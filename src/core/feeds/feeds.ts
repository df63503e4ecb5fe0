import { type Dataset, defaultColumns, findDataset } from '../catalog.ts'
import { isSameName, listed, nameKey } from '../names.ts'
import { present } from '../present.ts'
import type { Problem, Problems } from '../problems.ts'
import { parseQuery } from '../query/parse.ts'
import { addDuration, durationMilliseconds } from '../time/durations.ts'
import { type References, readFeed } from './entry.ts'
import { type Account, DEFAULT_ACCOUNT, type Feed } from './feed.ts'
import { catalogueVerdict } from './feed-query.ts'
import { ACCOUNT_FIELDS, ACCOUNT_NAME, AUTH_MODES, FEED_FIELDS, FILE_FIELDS, TENANT } from './fields.ts'
import { parseJson } from './json.ts'
import {
  addProblem,
  matching,
  oneOf,
  openSection,
  parseList,
  parseObject,
  parseText,
  read,
  readRequired,
  type Section,
  show,
} from './section.ts'

/** The content of `feeds.json`. */
export type FeedsFile = {
  readonly feeds: readonly Feed[]
  readonly accounts: Readonly<Record<string, Account>>
  /** The entry of each feed as the file has it, by the feed's name. */
  readonly written: ReadonlyMap<string, WrittenFeed>
  readonly warnings: readonly string[]
}

/** The fields of a feed as a person wrote them. */
export type WrittenFeed = Readonly<Partial<Record<keyof typeof FEED_FIELDS, unknown>>>

/**
 * A feed that cannot be used as `feeds.json` has it. Its name is empty where it has none that is allowed. Its problems are
 * also those of the account that it uses.
 */
export type FaultyFeed = Pick<Feed, 'name' | 'enabled'> & Problems

type FileSection = Section<keyof typeof FILE_FIELDS>

/** An entry of `accounts`. With a problem, its account lacks what is wrong. */
type ReadAccount = Problems & { readonly account: Account }

/** What messages call the file, unless a person named another. */
const FILE = 'feeds.json'

/** Room for hundreds of feeds with long lists of columns, in characters. */
const LONGEST_FILE = 1024 * 1024

/** More feeds than the service makes reports for in a day. */
const MOST_FEEDS = 1_000

/**
 * Reads `feeds.json` as a whole. Gives every feed, or one line for each problem of the file (which `name` names) and of its
 * feeds.
 */
export function parseFeeds(text: string, catalogue: readonly Dataset[], name = FILE): FeedsFile | Problems {
  const { isUsable: _, faulty: __, problems, ...file } = readFile(text, catalogue, name)
  return problems.length > 0 ? { problems } : file
}

/** `allProblems` has each problem once: of the fields of the file, of its accounts and of the faulty feeds. */
type EachFeed = FeedsFile & { readonly faulty: readonly FaultyFeed[]; readonly allProblems: readonly string[] }

/**
 * Reads `feeds.json`. Gives every feed with its defaults filled in, and apart those with problems, which stop no other
 * feed. A faulty account stops the feeds that use it, and an unknown field of the file none. A file that cannot be read, or
 * that names a feed or a table twice, gives one line for each problem of it and of its feeds. This is the only reader: all
 * other code takes the `Feed` that it gives. Names of datasets and columns match without regard to case and get the spelling
 * of the catalogue.
 */
export function parseEachFeed(text: string, catalogue: readonly Dataset[], name = FILE): EachFeed | Problems {
  const { isUsable, problems, ...file } = readFile(text, catalogue, name)
  return isUsable ? { ...file, allProblems: problems } : { problems }
}

/**
 * Like `parseFeeds`, but also checks the users' own queries and conditions against the catalogue. What it lacks is a warning:
 * the service may have it. Gives all problems, and the feeds without any, with their warnings. Sends no request.
 */
export function checkFeeds(text: string, catalogue: readonly Dataset[], name = FILE): FeedsFile & Problems {
  const judge = (feed: Feed) => catalogueVerdict(feed, catalogue)
  const { isUsable: _, faulty: __, ...file } = readFile(text, catalogue, name, (feed) => judge(feed).problems)
  return { ...file, warnings: [...file.warnings, ...file.feeds.flatMap((feed) => judge(feed).doubts)] }
}

/** What a file has: its feeds without a problem and those with one. The app takes none of a file that is not usable. */
type ReadFile = FeedsFile & Problems & { readonly faulty: readonly FaultyFeed[]; readonly isUsable: boolean }

/** Reads a file. `judge`: what else is wrong with a feed that can be read. */
function readFile(
  text: string,
  catalogue: readonly Dataset[],
  name: string,
  judge: (feed: Feed) => readonly string[] = () => [],
): ReadFile {
  const read = readValues(text)
  if ('problem' in read) return { ...EMPTY, problems: [`${name}: ${read.problem}`] }
  const file = openSection({ owner: name, problems: [] }, read.values, FILE_FIELDS)
  const accounts = readAccounts(file)
  const list = readEntries(file, { catalogue, accounts })
  const entries = (list ?? []).map(
    (entry): ReadEntry =>
      entry.feed && entry.problems.length === 0 ? { ...entry, problems: judge(entry.feed) } : entry,
  )
  const repeated = repeatedNames(entries)
  const unclear = new Set(repeated.map(({ name }) => name))
  const parts = [file, ...accounts.values(), ...entries, { problems: repeated.map(({ problem }) => problem) }]
  const feeds = entries.flatMap(({ feed, problems }) =>
    feed && problems.length === 0 && !unclear.has(feed.name) ? [feed] : [],
  )
  const faulty = entries.filter(({ problems }) => problems.length > 0)
  return {
    isUsable: list !== undefined && repeated.length === 0,
    feeds,
    faulty: faulty.map(({ name, enabled, problems }) => ({ name, enabled, problems })),
    // Every feed that uses a faulty account has the account's problems too.
    problems: [...new Set(parts.flatMap(({ problems }) => problems))],
    accounts: Object.fromEntries([...accounts].map(([name, { account }]) => [name, account])),
    written: new Map(entries.map(({ name, written }) => [name, written])),
    warnings: [...unusedAccounts(accounts, entries), ...feeds.flatMap((feed) => warnings(feed, catalogue))],
  }
}

/** A file that nothing can be read of. */
const EMPTY = { isUsable: false, feeds: [], faulty: [], accounts: {}, written: new Map(), warnings: [] } as const

/** The fields of the file, or why they cannot be read. */
function readValues(text: string): { readonly values: Readonly<Record<string, unknown>> } | Problem {
  if (text.length > LONGEST_FILE) return { problem: `it has more than ${LONGEST_FILE} characters` }
  const json = parseJson(text)
  if ('mistake' in json) return { problem: `it is not JSON: ${json.mistake}` }
  const values = parseObject(json.value)
  return values ? { values } : { problem: 'it must be an object with the field feeds, a list of feeds' }
}

/** Reads the accounts other than the default one. Secrets do not belong in `feeds.json`, so none is read. */
function readAccounts(file: FileSection): ReadonlyMap<string, ReadAccount> {
  const entries = Object.entries(read(file, 'accounts', parseObject) ?? {})
  const tooMany = `accounts has ${entries.length} entries; it can have at most ${MOST_FEEDS}`
  const problems = entries.length > MOST_FEEDS ? [`${file.owner}: ${tooMany}`] : undefined
  return new Map(
    entries.map(([name, entry]) => [name, problems ? { account: {}, problems } : readAccount(name, entry)]),
  )
}

function readAccount(name: string, entry: unknown): ReadAccount {
  const subject = { owner: `account ${show(name)}`, problems: [] }
  if (name === DEFAULT_ACCOUNT) addProblem(subject, 'only the PARTNER_… settings set that account')
  if (!matching(ACCOUNT_NAME)(name)) {
    addProblem(subject, 'its name must be 1 to 20 lowercase letters and digits, starting with a letter')
  }
  const values = parseObject(entry)
  if (!values) {
    const fields = Object.keys(ACCOUNT_FIELDS).join(', ')
    addProblem(subject, `it is ${show(entry)}; it must be an object with the fields ${fields}`)
  }
  const section = openSection(subject, values ?? {}, ACCOUNT_FIELDS)
  const account = present<Account>({
    tenantId: read(section, 'tenantId', matching(TENANT)),
    clientId: read(section, 'clientId', parseText),
    auth: read(section, 'auth', oneOf(AUTH_MODES)),
  })
  return { account, problems: subject.problems }
}

/** An entry of `feeds`. With a problem, the feed has placeholders in place of what is wrong. */
type ReadEntry = Pick<Feed, 'name' | 'table' | 'enabled'> &
  Problems & { readonly feed?: Feed; readonly written: WrittenFeed }

/** Undefined where the file has no list of feeds that can be read. */
function readEntries(file: FileSection, references: References): readonly ReadEntry[] | undefined {
  const entries = readRequired(file, 'feeds', parseList)
  if (entries && entries.length > MOST_FEEDS) {
    addProblem(file, `feeds has ${entries.length} entries; it can have at most ${MOST_FEEDS}`)
    return undefined
  }
  const names = entries?.map((entry) => parseObject(entry)?.name)
  return entries?.map((entry, index): ReadEntry => {
    const values = parseObject(entry)
    const isOnly = names?.filter((name) => name === values?.name).length === 1
    const owner = parseText(values?.name) ? ownerAt(values?.name, index, isOnly) : `feed number ${index + 1}`
    const subject = { owner, problems: [] }
    if (!values) {
      addProblem(subject, `it is ${show(entry)}; it must be an object with name and dataset`)
      return { name: '', table: '', enabled: true, written: {}, problems: subject.problems }
    }
    const feed = readFeed(openSection(subject, values, FEED_FIELDS), references)
    const { name, table, enabled } = feed
    return { name, table, enabled, feed, written: values, problems: subject.problems }
  })
}

/** A feed that has its name or its table from another. */
type RepeatedFeed = Pick<Feed, 'name'> & Problem

/** Gives a problem for each repeated name and table. Table Storage ignores the case of a table's name. */
function repeatedNames(entries: readonly ReadEntry[]): readonly RepeatedFeed[] {
  const repeated: RepeatedFeed[] = []
  const owners = new Map<string, string>()
  for (const [index, { name, table }] of entries.entries()) {
    const first = name === '' ? index : entries.findIndex((each) => each.name === name)
    const owner = owners.get(nameKey(table))
    if (table !== '' && owner === undefined) owners.set(nameKey(table), name)
    const feed = ownerAt(name, index, first === index)
    if (first !== index) {
      const other = `which feed number ${first + 1} has too`
      repeated.push({ name, problem: `${feed}: name is ${show(name)}, ${other}; it must be unique` })
      continue
    }
    if (owner === undefined) continue
    const shown = `${show(table)}, the table of ${feedOwner(owner)}`
    const rule = 'each feed needs its own table, and case does not count'
    repeated.push({ name, problem: `${feed}: table is ${shown}; ${rule}` })
  }
  return repeated
}

/** Warns of each account that no feed uses, be the feed faulty or not. */
function unusedAccounts(accounts: ReadonlyMap<string, ReadAccount>, entries: readonly ReadEntry[]): readonly string[] {
  const used = new Set(entries.map(({ feed }) => feed?.account))
  return [...accounts]
    .filter(([name, { problems }]) => problems.length === 0 && !used.has(name))
    .map(([name]) => `account ${show(name)}: no feed uses it; name it as the account of a feed, or take it out`)
}

function warnings(feed: Feed, catalogue: readonly Dataset[]): readonly string[] {
  const all = [
    datasetWarning(feed, catalogue),
    timeWarning(feed),
    timespanWarning(feed),
    refreshWarning(feed),
    keepWarning(feed),
    keyWarning(feed, catalogue),
  ]
  return all.flatMap((warning) => (warning === undefined ? [] : `${feedOwner(feed.name)}: ${warning}`))
}

function datasetWarning({ dataset }: Feed, catalogue: readonly Dataset[]): string | undefined {
  if (findDataset(catalogue, dataset)) return undefined
  return `the catalogue does not have dataset ${show(dataset)}; the service decides whether it has it, and all columns land as text`
}

/** Warns about a date next to a duration back: these compare only after the app has first seen the feed. */
function timeWarning({ cadence }: Feed): string | undefined {
  if (cadence.kind === 'snapshot' || !cadence.to || 'date' in cadence.from === 'date' in cadence.to) return undefined
  return 'one of from and to is a date and one counts back; nothing lands if from is not before to'
}

/** Warns about a TIMESPAN that the times of the windows replace. A snapshot has no times, so its TIMESPAN counts. */
function timespanWarning({ source, cadence }: Feed): string | undefined {
  if (source.kind !== 'query' || cadence.kind === 'snapshot') return undefined
  const query = parseQuery(source.query)
  if ('problem' in query || !query.timespan) return undefined
  return `query: TIMESPAN ${query.timespan} changes nothing: each report is asked for with the times of its window; leave it out before anything lands, since a changed query makes what landed outdated`
}

/** Warns about a refresh that is over before a window is first asked for. */
function refreshWarning({ cadence, delay }: Feed): string | undefined {
  if (cadence.kind === 'snapshot' || !cadence.refresh) return undefined
  const { for: span } = cadence.refresh
  // After a month of 31 days and after one of 28.
  const ends = [new Date('2023-01-01'), new Date('2023-02-01')]
  if (ends.some((end) => addDuration(end, span) > addDuration(end, delay))) return undefined
  return 'refresh asks for no settled window again: refresh.for is not longer than delay; make it longer, or set refresh to false'
}

/** Warns about a key of columns that the app does not choose by itself, such as personal ones: no row has them. */
function keyWarning({ key = [], source, dataset }: Feed, catalogue: readonly Dataset[]): string | undefined {
  const known = findDataset(catalogue, dataset)
  if (!known || source.kind !== 'columns' || source.columns) return undefined
  const missing = key.filter((name) => !defaultColumns(known).some((chosen) => isSameName(chosen, name)))
  if (missing.length === 0) return undefined
  return `key has ${listed(missing)}, which the app does not choose by itself: "diff" finds no such column; name it in columns too`
}

/** Warns about history that is older than what is kept: it is never asked for. A date compares once time has passed. */
function keepWarning({ cadence, keep }: Feed): string | undefined {
  if (!keep || cadence.kind === 'snapshot' || !('back' in cadence.from)) return undefined
  if (durationMilliseconds(cadence.from.back) <= durationMilliseconds(keep)) return undefined
  return 'from reaches further back than keep: what is older than keep is not asked for, and where it has landed, its rows, archives and rejects are removed for good'
}

/** Two feeds of one name are told apart by their places in the file. */
function ownerAt(name: unknown, index: number, isOnly: boolean): string {
  return isOnly ? feedOwner(name) : `${feedOwner(name)} (number ${index + 1})`
}

function feedOwner(name: unknown): string {
  return `feed ${show(name)}`
}
