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

// Writes what feeds.schema.json and docs/feeds.md say of the fields of feeds.json, from the table that the reader knows them by.

const PROJECT = resolve(import.meta.dirname, '..')

const START = '<!-- feed-fields:start -->'
const END = '<!-- feed-fields:end -->'

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

/** A page whose block between the two markers is the table of the fields. Throws where it has no such block. */
export function withFeedFields(page: string, feedFields: FieldTable = FEED_FIELDS): string {
  const start = page.indexOf(START)
  const end = page.indexOf(END)
  if (start === -1 || end < start) throw new Error(`the page has no block from ${START} to ${END}`)
  const table = ['| field | meaning | allowed | default |', '|---|---|---|---|', ...rows(feedFields, '')].join('\n')
  return `${page.slice(0, start)}${START}\n${table}\n${page.slice(end)}`
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
  const page = join(PROJECT, 'docs/feeds.md')
  if (existsSync(page)) await writeFile(page, withFeedFields(await readFile(page, 'utf8')))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
