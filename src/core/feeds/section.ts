import { nearest } from '../names.ts'
import { type Duration, parseDuration } from '../time/durations.ts'
import type { Boundary } from './feed.ts'
import { type FEED_FIELDS, type Field, MOST_COLUMNS } from './fields.ts'

/** The object whose problems are collected, so that the user sees all of them at once. */
export type Subject = {
  /** For messages: `feed "azure-usage"`. */
  readonly owner: string
  readonly problems: string[]
}

/** One object of `feeds.json` while it is read. Only the fields that it may have can be read from it. */
export type Section<Name extends string> = Subject & {
  readonly fields: Readonly<Record<Name, Field>>
  readonly values: Readonly<Partial<Record<Name, unknown>>>
}

export type FeedSection = Section<keyof typeof FEED_FIELDS>

/** Parses one JSON value. Gives undefined if the value is not allowed. */
export type ValueParser<T> = (value: unknown) => T | undefined

/**
 * Starts to read an object. Each unknown field is a problem. The message does not show its value, which may be a misplaced
 * secret.
 */
export function openSection<Name extends string>(
  { owner, problems }: Subject,
  values: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<Name, Field>>,
): Section<Name> {
  const section: Section<Name> = { owner, problems, fields, values: values as Section<Name>['values'] }
  const known = Object.keys(fields)
  for (const name of Object.keys(values)) {
    if (!known.includes(name)) addProblem(section, `field ${show(name)} is not known${suggest(name, known)}`)
  }
  return section
}

/**
 * Reads an optional field. A value that the parser does not accept is a problem. The message says what is allowed: by
 * default, what the table of fields says.
 */
export function read<Name extends string, T>(
  section: Section<Name>,
  name: Name,
  parse: ValueParser<T>,
  allowed: string = section.fields[name].allowed,
): T | undefined {
  const value = section.values[name]
  if (value === undefined) return undefined
  const parsed = parse(value)
  if (parsed === undefined) addProblem(section, `${name} is ${show(value)}; it must be ${allowed}`)
  return parsed
}

/** Reads a required field. */
export function readRequired<Name extends string, T>(
  section: Section<Name>,
  name: Name,
  parse: ValueParser<T>,
): T | undefined {
  if (!isGiven(section, name)) addProblem(section, `${name} is missing; it must be ${section.fields[name].allowed}`)
  return read(section, name, parse)
}

export function isGiven<Name extends string>(section: Section<Name>, name: Name): boolean {
  return section.values[name] !== undefined
}

/** Adds a problem for each of these fields that is given. */
export function refuseGiven<Name extends string>(
  section: Section<Name>,
  names: readonly NoInfer<Name>[],
  reason: string,
): void {
  for (const name of names.filter((each) => isGiven(section, each))) {
    addProblem(section, `${name} is ${show(section.values[name])}; it must be left out: ${reason}`)
  }
}

export function addProblem({ owner, problems }: Subject, problem: string): void {
  problems.push(`${owner}: ${problem}`)
}

/** The end of a message about an unknown name. */
export function suggest(name: string, known: readonly string[]): string {
  const candidate = nearest(name, known)
  return candidate === undefined ? `; allowed are ${known.join(', ')}` : `; the nearest is ${show(candidate)}`
}

/** Formats a value for a message: JSON on one line, cut to 80 characters. */
export function show(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}

export function parseObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(value) ? value : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function parseList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined
}

export function parseText(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

/** Reads an object of columns. */
export function parseColumns(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(value) && Object.keys(value).length <= MOST_COLUMNS ? value : undefined
}

/** Reads a list of texts that is not empty. */
export function parseNames(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_COLUMNS) return undefined
  const names = value.map(parseText).filter((name) => name !== undefined)
  return names.length === value.length ? names : undefined
}

export function parseFlag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

/** Gives a parser of text that matches a pattern. */
export function matching(pattern: RegExp): ValueParser<string> {
  return (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined)
}

/** Gives a parser of one of a few words. */
export function oneOf<T extends string>(words: readonly T[]): ValueParser<T> {
  return (value) => words.find((word) => word === value)
}

/** Gives a parser of the numbers that a JSON Schema accepts. */
export function within(schema: {
  readonly type: 'integer' | 'number'
  readonly minimum: number
  readonly maximum: number
}): ValueParser<number> {
  return (value) => {
    if (typeof value !== 'number' || value < schema.minimum || value > schema.maximum) return undefined
    return schema.type === 'integer' && !Number.isInteger(value) ? undefined : value
  }
}

export function parseDurationField(value: unknown): Duration | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined
}

/** Parses a date, an instant with its zone, or a duration back. Dates before 2000 are refused: the service is younger. */
export function parseBoundary(value: unknown): Boundary | undefined {
  if (typeof value !== 'string') return undefined
  const back = parseDuration(value)
  if (back) return { back }
  const match = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.exec(value)
  if (!match?.[1] || !isDay(match[1])) return undefined
  const date = new Date(value)
  const year = date.getUTCFullYear()
  return year >= 2000 && year < 2100 ? { date: date.toISOString() } : undefined
}

/** Whether a day exists. `Date` turns February 30 into a day of March, so the day must read back the same. */
function isDay(text: string): boolean {
  const date = new Date(text)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}
