import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  ACCOUNT_FIELDS,
  DEFINITIONS,
  FEED_FIELDS,
  FILE_FIELDS,
  type Field,
  type FieldTable,
} from '../src/core/feeds/fields.ts'
import { STATUS_FIELDS, WINDOW_FIELDS } from '../src/core/status/fields.ts'
import { API_ENDPOINTS, ENDPOINTS, FAULTS, type Target } from './simulator/switches.ts'
import { fieldTable, statusSchema } from './status-docs.ts'

// Writes what feeds.schema.json and docs/feeds.md say of the fields of feeds.json, and docs/status.schema.json and
// docs/status.md of the answers of the status routes, docs/run-locally.md of the faults of the simulator, from the tables that
// the code knows them by, and NOTICE from the bundle.

const PROJECT = resolve(import.meta.dirname, '..')

/** The text of feeds.schema.json, for a table of the fields of one feed. */
export function feedsSchema(feedFields: FieldTable = FEED_FIELDS): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Feeds of partner-insights-sync',
    ...objectSchema(FILE_FIELDS),
    $defs: { ...DEFINITIONS, account: objectSchema(ACCOUNT_FIELDS), feed: objectSchema(feedFields) },
  }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

function objectSchema(fields: FieldTable): Readonly<Record<string, unknown>> {
  const required = Object.keys(fields).filter((name) => fields[name]?.required)
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)])),
  }
}

/** Editors show descriptions as plain text. */
function fieldSchema(field: Field): Readonly<Record<string, unknown>> {
  const otherwise = field.otherwise === undefined ? '' : ` Default: ${field.otherwise}.`
  return {
    ...('schema' in field ? field.schema : objectSchema(field.fields)),
    ...('orFalse' in field && { type: ['object', 'boolean'], not: { const: true } }),
    description: `${field.meaning} Allowed: ${field.allowed}.${otherwise}`.replaceAll('`', ''),
  }
}

/** A page with the table of the fields of a feed. Throws where the page has no place for it. */
export function withFeedFields(page: string, feedFields: FieldTable = FEED_FIELDS): string {
  const head = ['| field | meaning | allowed | default |', '|---|---|---|---|']
  return withBlock(page, 'feed-fields', [...head, ...rows(feedFields, '')])
}

/** A page with the tables of the two answers. Throws where the page has no place for them. */
export function withStatusFields(page: string): string {
  const withStatus = withBlock(page, 'status-fields', fieldTable(STATUS_FIELDS))
  return withBlock(withStatus, 'window-fields', fieldTable(WINDOW_FIELDS))
}

/** A page with the faults of the simulator. Throws where the page has no place for them. */
export function withFaults(page: string): string {
  const rows = FAULTS.map(({ fault, does, endpoints, example }) => {
    return `| \`${fault}\` | ${hitsOf(endpoints)} | ${does} | \`${JSON.stringify(example.effect)}\` |`
  })
  const names = ENDPOINTS.map((name) => `\`${name}\``)
  const all = `The endpoints are ${names.slice(0, -1).join(', ')} and ${names.at(-1)}; the first ${API_ENDPOINTS.length} are the service's own.`
  return withBlock(page, 'faults', [all, '', '| fault | hits | does | effect |', '|---|---|---|---|', ...rows])
}

/** The targets that have a name together. */
const GROUPS: readonly (readonly [name: string, members: readonly Target[]])[] = [
  ['every endpoint', ENDPOINTS],
  ["the service's own", API_ENDPOINTS],
]

function hitsOf(targets: readonly Target[]): string {
  const [name, members] = GROUPS.find(([, all]) => all.every((each) => targets.includes(each))) ?? []
  const others = targets.filter((each) => !members?.includes(each)).map((each) => `\`${each}\``)
  return [...(name ? [name] : []), ...others].join(', ')
}

/** A page whose block between the two markers holds these lines. */
function withBlock(page: string, name: string, lines: readonly string[]): string {
  const [first, last] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`]
  const start = page.indexOf(first)
  const end = page.indexOf(last)
  if (start === -1 || end < start) throw new Error(`the page has no block from ${first} to ${last}`)
  return `${page.slice(0, start)}${first}\n${lines.join('\n')}\n${page.slice(end)}`
}

/** The fields of an object within a feed follow it, as `refresh.every`. */
function rows(fields: FieldTable, prefix: string): readonly string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const cells = [`\`${prefix}${name}\``, field.meaning, field.allowed, defaultOf(field)]
    const row = `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
    return [row, ...('fields' in field ? rows(field.fields, `${prefix}${name}.`) : [])]
  })
}

function defaultOf(field: Field): string {
  if (field.required) return 'required'
  if (field.otherwise !== undefined) return field.otherwise
  const value = 'schema' in field ? field.schema.default : undefined
  return value === undefined ? 'none' : `\`${String(value)}\``
}

async function main(): Promise<void> {
  await writeFile(join(PROJECT, 'feeds.schema.json'), feedsSchema())
  await writeFile(join(PROJECT, 'docs/status.schema.json'), statusSchema())
  // Loaded here, because the tests of the tables need no bundle.
  const { bundledPackages, noticeText } = await import('./notice.ts')
  await writeFile(join(PROJECT, 'NOTICE'), noticeText(await bundledPackages()))
  await rewrite('docs/feeds.md', withFeedFields)
  await rewrite('docs/status.md', withStatusFields)
  await rewrite('docs/run-locally.md', withFaults)
}

async function rewrite(name: string, change: (page: string) => string): Promise<void> {
  const page = join(PROJECT, name)
  if (existsSync(page)) await writeFile(page, change(await readFile(page, 'utf8')))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
