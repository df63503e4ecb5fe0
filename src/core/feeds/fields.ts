import { nearest } from '../names.ts'
import { type Duration, parseDuration } from '../time/durations.ts'
import type { Boundary } from './feed.ts'

/** The fields of one entry of `feeds`; `feeds.schema.json` describes the same ones. */
export const FEED_FIELDS = [
  'name',
  'account',
  'dataset',
  'columns',
  'where',
  'distinct',
  'query',
  'queryId',
  'window',
  'snapshot',
  'backfillWindow',
  'from',
  'to',
  'delay',
  'openWindow',
  'refresh',
  'table',
  'types',
  'newColumns',
  'maxRejects',
  'key',
  'shards',
  'allowRedacted',
  'enabled',
] as const

/** Who signs in how; `PARTNER_AUTH` and the `auth` of an account name the same ways. */
export const AUTH_MODES = ['refresh-token', 'client-secret', 'certificate', 'managed-identity', 'password'] as const

/** One object of `feeds.json` while it is read. Problems are collected, so that a person is told all of them at once. */
export type Fields = {
  /** Whose fields they are, for messages: `feed "azure-usage"`. */
  readonly owner: string
  readonly values: Readonly<Record<string, unknown>>
  readonly problems: string[]
}

/** Turns one JSON value into what it means; undefined when it is not allowed. */
type Parser<T> = (value: unknown) => T | undefined

/** Reads a field that may be left out. A value that is not allowed is a problem, named with what is allowed. */
export function read<T>(fields: Fields, field: string, allowed: string, parse: Parser<T>): T | undefined {
  const value = fields.values[field]
  if (value === undefined) return undefined
  const parsed = parse(value)
  if (parsed === undefined) addProblem(fields, `${field} is ${show(value)}; it must be ${allowed}`)
  return parsed
}

/** Reads a field that may not be left out. */
export function readRequired<T>(fields: Fields, field: string, allowed: string, parse: Parser<T>): T | undefined {
  if (fields.values[field] === undefined) addProblem(fields, `${field} is missing; it must be ${allowed}`)
  return read(fields, field, allowed, parse)
}

export function addProblem(fields: Fields, problem: string): void {
  fields.problems.push(`${fields.owner}: ${problem}`)
}

/** Makes each field that is none of the known ones a problem. Its value is not shown: it may be a misplaced secret. */
export function rejectUnknown(fields: Fields, known: readonly string[]): void {
  for (const field of Object.keys(fields.values)) {
    if (!known.includes(field)) addProblem(fields, `field ${show(field)} is not known${suggest(field, known)}`)
  }
}

/** The end of a message about an unknown name. */
export function suggest(name: string, known: readonly string[]): string {
  const candidate = nearest(name, known)
  return candidate === undefined ? `; allowed are ${known.join(', ')}` : `; the nearest is ${show(candidate)}`
}

/** A value as a message shows it: JSON, on one line, not too long. */
export function show(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}

export function parseObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(value) ? value : undefined
}

export function parseText(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

export function parseFlag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

/** Gives a parser of text of a certain form. */
export function matching(pattern: RegExp): Parser<string> {
  return (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined)
}

/** Gives a parser of one of a few words. */
export function oneOf<T extends string>(words: readonly T[]): Parser<T> {
  return (value) => words.find((word) => word === value)
}

/** Reads a list of texts that is not empty. */
export function parseNames(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const names = value.map(parseText).filter((name) => name !== undefined)
  return names.length === value.length ? names : undefined
}

export function parseDurationField(value: unknown): Duration | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined
}

/** Reads a date, an instant with its zone, or a duration back; dates from the year 2000 on, before the service's time. */
export function parseBoundary(value: unknown): Boundary | undefined {
  if (typeof value !== 'string') return undefined
  const back = parseDuration(value)
  if (back) return { back }
  const match = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.exec(value)
  return match?.[1] && isDay(match[1]) ? instant(value) : undefined
}

function instant(text: string): Boundary | undefined {
  const date = new Date(text)
  const year = date.getUTCFullYear()
  return year >= 2000 && year < 2100 ? { date: date.toISOString() } : undefined
}

/** The 30th of February is read as a day of March: only what reads back the same exists. */
function isDay(text: string): boolean {
  const date = new Date(text)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
