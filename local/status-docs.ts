import { STATUS_FIELDS, WINDOW_FIELDS } from '../src/core/status/fields.ts'
import type { Field, Fields, Shape } from '../src/core/status/shape.ts'

// What docs/status.schema.json and the tables in docs/status.md say of the answers of the status routes.

type Schema = Readonly<Record<string, unknown>>

/** The text of docs/status.schema.json: the answer of `GET status`, and that of one window under `$defs`. */
export function statusSchema(status: Fields = STATUS_FIELDS, window: Fields = WINDOW_FIELDS): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Status of partner-insights-sync',
    description: 'The answer of GET status. $defs.window is that of GET status/{feed}/{window}.',
    ...objectSchema(status),
    $defs: { window: objectSchema(window) },
  }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

/** A later app may add fields under the same version, so none is forbidden. */
function objectSchema(fields: Fields): Schema {
  const required = Object.entries(fields).flatMap(([name, { optional }]) => (optional ? [] : [name]))
  const properties = Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)])
  return { type: 'object', required, properties: Object.fromEntries(properties) }
}

function fieldSchema({ is, means }: Field): Schema {
  return { ...shapeSchema(is), description: means.replaceAll('`', '') }
}

function shapeSchema(shape: Shape): Schema {
  if (shape === 'text') return { type: 'string' }
  if (shape === 'count') return { type: 'integer' }
  if (shape === 'flag') return { type: 'boolean' }
  if (shape === 'instant') return { type: 'string', format: 'date-time' }
  if ('words' in shape) return { enum: shape.words }
  if ('list' in shape) return { type: 'array', items: shapeSchema(shape.list) }
  if ('byName' in shape) return { type: 'object', additionalProperties: shapeSchema(shape.byName) }
  return objectSchema(shape.fields)
}

/** The table of an answer for a page: a row for each field, also for those within others, as `feeds[].name`. */
export function fieldTable(fields: Fields): readonly string[] {
  return ['| field | holds | meaning |', '|---|---|---|', ...rows(fields, '')]
}

function rows(fields: Fields, prefix: string): readonly string[] {
  return Object.entries(fields).flatMap(([name, { is, means, optional }]) => {
    const [path, inner] = within(`${prefix}${name}`, is)
    const row = `| \`${path}\` | ${wordFor(is)}${optional ? ', or absent' : ''} | ${means.replaceAll('|', '\\|')} |`
    return [row, ...(inner ? rows(inner, `${path}.`) : [])]
  })
}

/** The path of a field as a reader writes it, and the fields within. */
function within(path: string, shape: Shape): readonly [string, Fields?] {
  if (typeof shape === 'string' || 'words' in shape) return [path]
  if ('list' in shape) return within(`${path}[]`, shape.list)
  if ('byName' in shape) return within(`${path}.<name>`, shape.byName)
  return [path, shape.fields]
}

const WORDS = { text: 'text', count: 'whole number', flag: 'true or false', instant: 'time' } as const

/** So many words are listed in a table; more are in the schema. */
const MOST_WORDS = 8

function wordFor(shape: Shape): string {
  if (typeof shape === 'string') return WORDS[shape]
  if ('words' in shape) {
    if (shape.words.length > MOST_WORDS) return 'a word of the schema'
    return shape.words.map((word) => `\`${word}\``).join(', ')
  }
  if ('list' in shape) return typeof shape.list === 'string' ? `list of ${WORDS[shape.list]}` : 'list'
  return 'object'
}
