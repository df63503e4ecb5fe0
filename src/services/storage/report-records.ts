import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'
import { createGunzip } from 'node:zlib'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { delimiterOf } from '../../core/report/delimiter.ts'
import { separatedBy } from '../../core/report/no-report.ts'
import { createParser, type ParsedRecord, type Parser } from '../../core/report/parse.ts'
import { isGzip } from '../gzip.ts'
import type { Archive, ArchivedBlob } from './archive.ts'

/** A row larger than an entity (1 MiB) cannot land. A longer record becomes a reject and is not kept in memory. */
export const MAX_RECORD_LENGTH = 1024 * 1024

/** Longer than any header: 252 names of 255 characters, in quotes. The delimiter is looked for up to here. */
export const MAX_HEADER_LENGTH = 256 * 1024

/** A report unpacks to this many times its size at most, beyond an allowance. More is a gzip bomb. */
const MAX_RATIO = 200
const UNPACKED_ALLOWANCE = 64 * 1024 * 1024

/** So many unpacked bytes are decoded and parsed at once. */
export const CHUNK = 64 * 1024

/** How JSON and HTML begin, and no header. */
const NO_TABLE = /^\s*[[{<]/

/** A line end that is neither LF nor CRLF: CR alone, as old Macs wrote it. */
const LONE_RETURN = /\r(?!\n)/

/** A quoted first name and a separator that is neither a comma nor a tab. */
const OTHER_SEPARATOR = /^"[^"]*"([;|])/

/** `verify`: whether the bytes are compared with the SHA-256 that they had when they were received. */
export type ReadOptions = { readonly verify: boolean }

/**
 * Reads the records of an archived report, header first, in groups as they come out of the parser. The last thing given
 * is a failure of kind `malformed` where the bytes are no gzip, no UTF-8 or, with `verify`, not those that were received;
 * errors of the storage are thrown.
 */
export async function* readRecords(
  archive: Archive,
  blob: ArchivedBlob,
  { verify }: ReadOptions,
): AsyncGenerator<readonly ParsedRecord[] | Failure> {
  const hash = verify ? createHash('sha256') : undefined
  const source: Source = { name: blob.name, bytes: archive.read(blob.name, blob.etag), packed: 0, hash }
  let unparsed = ''
  // A file may be packed so that it comes out byte by byte: what follows costs as much for each piece, whatever its size.
  let enough = CHUNK
  let parser: Parser | undefined
  for await (const text of readText(source)) {
    if (typeof text !== 'string') return yield text
    unparsed += text
    if (unparsed.length < enough) continue
    enough = unparsed.length + CHUNK
    if (!parser && unparsed.length < MAX_HEADER_LENGTH && !delimiterOf(unparsed)) continue
    enough = CHUNK
    parser ??= parserFor(unparsed)
    yield parser.push(unparsed)
    unparsed = ''
  }
  parser ??= parserFor(unparsed)
  yield parser.push(unparsed)
  yield parser.end()
  if (hash && hash.digest('hex') !== blob.sha256) yield changed(blob.name)
}

/** The bytes of a report while they are read. */
export type Source = {
  /** How messages call it. */
  readonly name: string
  readonly bytes: AsyncIterable<Buffer>
  packed: number
  readonly hash: Hash | undefined
  /** Whether the bytes are gzip; absent until the first of them were read. */
  isGzip?: boolean
}

/** A file that ends before its header tells has one column. */
function parserFor(head: string): Parser {
  return createParser({ delimiter: delimiterOf(head) ?? ',', maxRecordLength: MAX_RECORD_LENGTH })
}

/** The text of a report, piece by piece; the last thing given is a failure where its bytes are no text. */
export async function* readText(source: Source): AsyncGenerator<string | Failure> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of unpacked(source)) {
    if (!Buffer.isBuffer(chunk)) return yield chunk
    // The records of a whole range would outlive the young generation of the heap.
    for (let at = 0; at < chunk.length; at += CHUNK) {
      yield decode(decoder, chunk.subarray(at, at + CHUNK)) ?? notText(source.name)
    }
  }
  if (decode(decoder) === undefined) yield notText(source.name)
}

/** The bytes of a report as they were before they were packed; the last thing given is a failure where they cannot be. */
export async function* unpacked(source: Source): AsyncGenerator<Buffer | Failure> {
  const { name } = source
  let size = 0
  const { head, rest } = await withHead(metered(source))
  const bytes = prefixed(head, rest)
  // Not the name: it says what somebody took the bytes for.
  source.isGzip = isGzip(head)
  if (!source.isGzip) return yield* bytes
  const packed = Readable.from(bytes)
  const gunzip = createGunzip({ chunkSize: CHUNK })
  packed.on('error', (error) => gunzip.destroy(error))
  try {
    for await (const chunk of packed.pipe(gunzip)) {
      size += chunk.length
      if (size > MAX_RATIO * source.packed + UNPACKED_ALLOWANCE) return yield tooLarge(name)
      yield chunk
    }
  } catch (error) {
    if (!isZlibError(error)) throw error
    yield failed('malformed', `archive ${name}: its gzip data is broken or cut short`)
  } finally {
    packed.destroy()
  }
}

/** Reads the first two bytes at least, where there are so many. */
async function withHead(rest: AsyncGenerator<Buffer>): Promise<{ head: Buffer; rest: AsyncGenerator<Buffer> }> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < 2) {
    const { done, value } = await rest.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  return { head, rest }
}

async function* prefixed(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield head
  yield* rest
}

async function* metered(source: Source): AsyncGenerator<Buffer> {
  for await (const chunk of source.bytes) {
    source.packed += chunk.length
    source.hash?.update(chunk)
    yield chunk
  }
}

function changed(name: string): Failure {
  return failed('malformed', `archive ${name}: its bytes are not those that were received (SHA-256); ask for it again`)
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
  /** The file ends in its header, without a line end. */
  readonly isUnended: boolean
  readonly records: AsyncIterable<readonly ParsedRecord[] | Failure>
}

/** Opens an archived report. A file without a header line is `no-header`, which is not the same as no rows. */
export async function openReport(
  archive: Archive,
  blob: ArchivedBlob,
  about: string,
  options: ReadOptions,
): Promise<OpenReport | Failure> {
  const groups = readRecords(archive, blob, options)
  for (let next = await groups.next(); !next.done; next = await groups.next()) {
    if (isFailure(next.value)) return next.value
    const [header, ...rest] = next.value
    if (!header) continue
    const flaw = flawOf(header)
    if (flaw !== undefined) return failed('malformed', `${about}: ${flaw}`)
    const isUnended = header.isUnended === true
    return { header: header.fields, isUnended, records: following(rest, groups) }
  }
  return failed('no-header', `${about}: the file has no header line, so it says nothing about rows`)
}

/** The parts of a header that are in no quotes: inside them a CR is part of a name. */
function outsideQuotes(raw: string): readonly string[] {
  return raw.split('"').filter((_, index) => index % 2 === 0)
}

/** Says why the first line of a file is no header, whatever its columns are. */
function flawOf({ raw, verdict }: ParsedRecord): string | undefined {
  if (NO_TABLE.test(raw)) return 'the file is JSON or HTML, no report'
  if (outsideQuotes(raw).some((text) => LONE_RETURN.test(text))) {
    return 'the lines of the file end neither with LF nor with CRLF'
  }
  const separator = OTHER_SEPARATOR.exec(raw)?.[1]
  if (separator !== undefined) return separatedBy(separator)
  return verdict && `the header line is ${verdict}`
}

async function* following(
  first: readonly ParsedRecord[],
  groups: AsyncGenerator<readonly ParsedRecord[] | Failure>,
): AsyncGenerator<readonly ParsedRecord[] | Failure> {
  yield first
  yield* groups
}
