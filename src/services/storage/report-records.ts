import { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'
import { createGunzip } from 'node:zlib'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { delimiterOf } from '../../core/report/delimiter.ts'
import { createParser, type ParsedRecord, type Parser } from '../../core/report/parse.ts'
import type { Archive } from './archive.ts'

/** A row larger than an entity (1 MiB) cannot land. A longer record becomes a reject and is not kept in memory. */
const MAX_RECORD_LENGTH = 1024 * 1024

/** Longer than any header: 252 names of 255 characters, in quotes. The delimiter is looked for up to here. */
const MAX_HEADER_LENGTH = 256 * 1024

/** A report unpacks to this many times its size at most, beyond an allowance. More is a gzip bomb. */
const MAX_RATIO = 200
const UNPACKED_ALLOWANCE = 64 * 1024 * 1024

/** So many unpacked bytes are decoded and parsed at once. */
const CHUNK = 64 * 1024

/**
 * Reads the records of an archived report, the header first, in groups as the parser gives them. Ends with a failure of
 * kind `malformed` where the bytes are not gzip or not UTF-8. Throws what the storage client throws.
 */
export async function* readRecords(archive: Archive, name: string): AsyncGenerator<readonly ParsedRecord[] | Failure> {
  let unparsed = ''
  let parser: Parser | undefined
  for await (const text of readText(archive, name)) {
    if (typeof text !== 'string') return yield text
    unparsed += text
    if (!parser && unparsed.length < MAX_HEADER_LENGTH && !delimiterOf(unparsed)) continue
    parser ??= parserFor(unparsed)
    yield parser.push(unparsed)
    unparsed = ''
  }
  parser ??= parserFor(unparsed)
  yield parser.push(unparsed)
  yield parser.end()
}

/** A file whose header shows no delimiter has one column. */
function parserFor(head: string): Parser {
  return createParser({ delimiter: delimiterOf(head) ?? ',', maxRecordLength: MAX_RECORD_LENGTH })
}

async function* readText(archive: Archive, name: string): AsyncGenerator<string | Failure> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of unpacked(archive, name)) {
    const text = Buffer.isBuffer(chunk) ? decode(decoder, chunk) : chunk
    yield text ?? notText(name)
  }
  if (decode(decoder) === undefined) yield notText(name)
}

async function* unpacked(archive: Archive, name: string): AsyncGenerator<Buffer | Failure> {
  const counted = { packed: 0, unpacked: 0 }
  const source = counting(archive.read(name), counted)
  if (!name.endsWith('.gz')) return yield* source
  const packed = Readable.from(source)
  const gunzip = createGunzip({ chunkSize: CHUNK })
  packed.on('error', (error) => gunzip.destroy(error))
  try {
    for await (const chunk of packed.pipe(gunzip)) {
      counted.unpacked += chunk.length
      if (counted.unpacked > MAX_RATIO * counted.packed + UNPACKED_ALLOWANCE) return yield tooLarge(name)
      yield chunk
    }
  } catch (error) {
    if (!isZlibError(error)) throw error
    yield failed('malformed', `archive ${name}: its gzip data is broken or cut short`)
  } finally {
    packed.destroy()
  }
}

async function* counting(source: AsyncIterable<Buffer>, counted: { packed: number }): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    counted.packed += chunk.length
    yield chunk
  }
}

function tooLarge(name: string): Failure {
  return failed('malformed', `archive ${name}: it unpacks to over ${MAX_RATIO} times its size, as no report does`)
}

function decode(decoder: TextDecoder, chunk?: Buffer): string | undefined {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined })
  } catch {
    return undefined
  }
}

function notText(name: string): Failure {
  return failed('malformed', `archive ${name}: its bytes are not UTF-8 text`)
}

/** The errors of zlib itself have such a code. Any other error comes from the source. */
function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^Z_|^ERR_BUFFER_TOO_LARGE$/.test(String(error.code))
}

/** A report whose header has been read. The records follow; the first of them has number 0. */
export type OpenReport = {
  readonly header: readonly string[]
  readonly records: AsyncIterable<readonly ParsedRecord[] | Failure>
}

/**
 * Opens an archived report. A file without a header line is the failure `no-header`: it does not say that there are no
 * rows.
 */
export async function openReport(archive: Archive, name: string, about: string): Promise<OpenReport | Failure> {
  const groups = readRecords(archive, name)
  for (let next = await groups.next(); !next.done; next = await groups.next()) {
    if (isFailure(next.value)) return next.value
    const [header, ...rest] = next.value
    if (!header) continue
    if (header.verdict) return failed('malformed', `${about}: the header line is ${header.verdict}`)
    return { header: header.fields, records: following(rest, groups) }
  }
  return failed('no-header', `${about}: the file has no header line, so it says nothing about rows`)
}

async function* following(
  first: readonly ParsedRecord[],
  groups: AsyncGenerator<readonly ParsedRecord[] | Failure>,
): AsyncGenerator<readonly ParsedRecord[] | Failure> {
  yield first
  yield* groups
}
