import type { Dataset } from '../catalog.ts'
import { readAccounts } from './accounts.ts'
import { type Known, readFeed } from './entry.ts'
import type { Account, Feed } from './feed.ts'
import { addProblem, type Fields, parseObject, parseText, readRequired, rejectUnknown, show } from './fields.ts'
import { jsonFault } from './json-fault.ts'

export type FeedsFile = {
  readonly feeds: readonly Feed[]
  readonly accounts: Readonly<Record<string, Account>>
  readonly warnings: readonly string[]
}

export type FeedsProblems = { readonly problems: readonly string[] }

/** The fields of `feeds.json` itself. */
export const FILE_FIELDS = ['$schema', 'accounts', 'feeds'] as const

/**
 * Reads `feeds.json`: every feed with its defaults filled in, or all that is wrong, one line each. The only reader; all
 * other code takes the `Feed` it gives. Names of datasets and columns match without case and come out in the spelling
 * of the catalogue.
 */
export function parseFeeds(text: string, catalogue: readonly Dataset[]): FeedsFile | FeedsProblems {
  const json = parseJson(text.replace(/^\uFEFF/, ''))
  if ('problems' in json) return json
  const values = parseObject(json.value)
  if (!values) return { problems: ['feeds.json: it must be an object with the field feeds, a list of feeds'] }
  const file: Fields = { owner: 'feeds.json', values, problems: [] }
  rejectUnknown(file, FILE_FIELDS)
  const accounts = readAccounts(file)
  const feeds = readFeeds(file, { catalogue, accounts: Object.keys(accounts) })
  refuseRepeated(file, feeds)
  if (file.problems.length > 0) return { problems: file.problems }
  return { feeds, accounts, warnings: feeds.flatMap(warnings) }
}

/** The newest columns and metrics that the catalogue has, without personal data and what only definitions name. */
export function defaultColumns({ columns, metrics }: Dataset): readonly string[] {
  const candidates = [...columns.filter(({ definitionOnly, personal }) => !definitionOnly && !personal), ...metrics]
  const newest = candidates.some(({ eras }) => eras.includes(2023)) ? 2023 : 2021
  return candidates.filter(({ eras }) => eras.includes(newest)).map(({ name }) => name)
}

function parseJson(text: string): { readonly value: unknown } | FeedsProblems {
  const fault = jsonFault(text)
  if (!fault) return { value: JSON.parse(text) }
  const place = `line ${fault.line}, column ${fault.column}`
  return { problems: [`feeds.json: it is not JSON: ${fault.expected} must stand at ${place}`] }
}

function readFeeds(file: Fields, known: Known): readonly Feed[] {
  const entries = readRequired(file, 'feeds', 'a list of feeds', (value) => (Array.isArray(value) ? value : undefined))
  const feeds = entries?.map((entry: unknown, index) => {
    const values = parseObject(entry)
    const owner = parseText(values?.name) ? `feed ${show(values?.name)}` : `feed number ${index + 1}`
    if (values) return readFeed({ owner, values, problems: file.problems }, known)
    addProblem({ ...file, owner }, `it is ${show(entry)}; it must be an object with name and dataset`)
    return undefined
  })
  return feeds?.filter((feed) => feed !== undefined) ?? []
}

/** Names and tables are unique; Table Storage tells no table from another by case. */
function refuseRepeated(file: Fields, feeds: readonly Feed[]): void {
  for (const [index, { name, table }] of feeds.entries()) {
    const before = feeds.slice(0, index)
    const fields = { ...file, owner: `feed ${show(name)}` }
    if (name !== '' && before.some((other) => other.name === name)) {
      addProblem(fields, `name is ${show(name)}, as of a feed before it; it must be unique`)
      continue
    }
    const owner = before.find((other) => other.table.toLowerCase() === table.toLowerCase() && table !== '')
    if (!owner) continue
    const shown = `${show(table)}, the table of feed ${show(owner.name)}`
    addProblem(fields, `table is ${shown}; it must be one of its own, whatever the case`)
  }
}

/** Only when the feed is first seen is it known whether a date comes before a duration back; until then, a warning. */
function warnings({ name, cadence }: Feed): readonly string[] {
  if (cadence.kind === 'snapshot' || !cadence.to || 'date' in cadence.from === 'date' in cadence.to) return []
  return [
    `feed ${show(name)}: one of from and to is a date and one counts back; nothing lands if from is not before to`,
  ]
}
