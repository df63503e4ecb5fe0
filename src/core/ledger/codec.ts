import { type Failure, failed } from '../failures.ts'

/**
 * How a value of type T is stored. `read` takes what the storage gives, whatever it is, and throws a sentence that says
 * what does not fit.
 */
export type Codec<T> = { readonly write: (value: T) => unknown; readonly read: (stored: unknown) => T }

/** A field that may be absent. Only such a field of T takes one. */
export type OptionalCodec<T> = Codec<T> & { readonly optional: true }

/** A codec for every field of T, so that a field added to T does not compile until it can be stored and read back. */
export type Codecs<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? OptionalCodec<Exclude<T[K], undefined>>
    : Codec<T[K]>
}

export const text: Codec<string> = checked('text', (stored) => typeof stored === 'string')
export const count: Codec<number> = checked('a whole number', (stored) => Number.isInteger(stored))
export const flag: Codec<boolean> = checked('true or false', (stored) => typeof stored === 'boolean')

/** A flag that is only there where it is true. */
export const mark: Codec<true> = checked('true', (stored) => stored === true)

/** A column of Table Storage of type DateTime. */
export const instant: Codec<Date> = checked('a time', (stored) => stored instanceof Date && !isNoDate(stored))

/** An instant inside JSON, as ISO text. `Date` also reads `1` as a year and takes a time without a zone as local. */
export const isoInstant: Codec<Date> = {
  write: (date) => date.toISOString(),
  read(stored) {
    const date = new Date(typeof stored === 'string' ? stored : Number.NaN)
    return isNoDate(date) || date.toISOString() !== stored ? unfit('a time') : date
  },
}

/** One of a few words. */
export function oneOf<T extends string>(...words: readonly T[]): Codec<T> {
  return {
    write: (value) => value,
    read: (stored) => words.find((word) => word === stored) ?? unfit(`one of ${words.join(', ')}`),
  }
}

export function optional<T>(codec: Codec<T>): OptionalCodec<T> {
  return { write: codec.write, read: codec.read, optional: true }
}

export function list<T>(codec: Codec<T>): Codec<readonly T[]> {
  return {
    write: (values) => values.map(codec.write),
    read: (stored) => (Array.isArray(stored) ? stored.map(codec.read) : unfit('a list')),
  }
}

/** An object whose names are data, such as the names of columns. */
export function dictionary<T>(codec: Codec<T>): Codec<Readonly<Record<string, T>>> {
  return {
    write: (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, codec.write(value)])),
    read: (stored) =>
      Object.fromEntries(Object.entries(objectOf(stored)).map(([name, value]) => [name, codec.read(value)])),
  }
}

/** An object with the fields of T. */
export function object<T extends object>(codecs: Codecs<T>): Codec<T> {
  return {
    write: (value) => writeFields(codecs, value),
    read: (stored) => readFields(codecs, objectOf(stored)),
  }
}

/** A value kept as JSON text in one column. */
export function json<T>(codec: Codec<T>): Codec<T> {
  return {
    write: (value) => JSON.stringify(codec.write(value)),
    read: (stored) => codec.read(JSON.parse(text.read(stored))),
  }
}

/** The stored form of the fields that `codecs` names; fields that are absent stay absent. */
export function writeFields<T extends object>(codecs: Codecs<T>, value: T): Record<string, unknown> {
  const fields = new Map(Object.entries(value))
  const present = codecsByName(codecs).filter(([name]) => fields.get(name) !== undefined)
  return Object.fromEntries(present.map(([name, codec]) => [name, codec.write(fields.get(name))]))
}

/**
 * Reads the fields that `codecs` names; what does not fit throws with the name of its field. A status reads tens of thousands
 * of rows: so this goes through the fields once. `known`: fields of the row that are read already.
 */
export function readFields<T extends object>(codecs: Codecs<T>, row: StoredFields, known: StoredFields = {}): T {
  const fields: Record<string, unknown> = {}
  for (const [name, codec] of codecsByName(codecs)) {
    const stored = row[name]
    if (stored === undefined && 'optional' in codec) continue
    fields[name] = known[name] ?? named(name, codec, stored)
  }
  // `Codecs` has a codec for every field of T, so the object is a T.
  return fields as T
}

type StoredFields = Readonly<Record<string, unknown>>
type ByName = readonly (readonly [string, Codec<unknown> | OptionalCodec<unknown>])[]

const BY_NAME = new WeakMap<object, ByName>()

/** The codecs of an object with their names. There are few such objects, and each is used again and again. */
function codecsByName(codecs: object): ByName {
  const known = BY_NAME.get(codecs) ?? Object.entries(codecs)
  BY_NAME.set(codecs, known)
  return known
}

function checked<T>(what: string, fits: (stored: unknown) => boolean): Codec<T> {
  return { write: (value) => value, read: (stored) => (fits(stored) ? (stored as T) : unfit(what)) }
}

function objectOf(stored: unknown): StoredFields {
  return isObject(stored) ? stored : unfit('an object')
}

function isObject(stored: unknown): stored is StoredFields {
  return typeof stored === 'object' && stored !== null && !Array.isArray(stored)
}

function named<T>(name: string, codec: Codec<T>, stored: unknown): T {
  try {
    return codec.read(stored)
  } catch (error) {
    throw new Error(`${name} ${error instanceof Error ? error.message : String(error)}`)
  }
}

function isNoDate(date: Date): boolean {
  return Number.isNaN(date.getTime())
}

/** Reads the row that `about` names; anything that does not fit is a failure, never a guess. */
export function readStored<T>(about: string, read: () => T): T | Failure {
  try {
    return read()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return failed('unreadable-entry', `${about}: ${reason}`)
  }
}

/** Ends the reading of a value. */
export function unfit(what: string): never {
  throw new Error(`is not ${what}`)
}
