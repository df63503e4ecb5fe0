import { type ClientRequest, get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { allowedLink, type DownloadHosts } from '../../core/report/download-hosts.ts'
import { MINUTE_MS } from '../../core/time/durations.ts'
import { isGzip } from '../gzip.ts'
import { safeAddress } from '../safe-text.ts'
import type { ArchivedBlob, ArchiveWriter } from '../storage/archive.ts'

/** A server that sends nothing for this long counts as cut off. */
const SILENCE_LIMIT_MS = 60_000

/** The header of an answer is there by then, however it comes: each of its bytes would end the silence. */
const HEADER_LIMIT_MS = 60_000

/** The download is given up after this many tries in a row that bring no byte. */
const TRIES_WITHOUT_PROGRESS = 5

/** The service refuses links that have expired. A fresh one is requested this often. */
const FRESH_LINKS = 3

/** One report is begun anew this often, and takes so many requests at most. */
const RESTARTS = 5
const REQUESTS = 200

/** A download that brings less than this in so long a time is given up. */
const SLOWEST_BYTES = 1024 * 1024
const SLOWEST_MS = 5 * MINUTE_MS

/** Where a report may come from, and where its bytes go. */
export type DownloadOptions = {
  readonly hosts: DownloadHosts
  /** A report with more bytes is given up. */
  readonly maxBytes: number
  readonly clock: () => Date
  /**
   * Opens the archive, for bytes that are gzip or not. Called again when the source was replaced during the download.
   */
  readonly open: (gzip: boolean) => ArchiveWriter
  /** Asks the service for a fresh link. */
  readonly renewLink: () => Promise<URL | Failure>
}

/** How far a download has come. */
type Transfer = {
  link: URL
  offset: number
  etag: string | undefined
  writer: ArchiveWriter | undefined
  length: number | undefined
  /** The highest offset so far, over all restarts: bytes that had come before are no progress. */
  highest: number
  /** When, and how far the download was then. */
  mark: { readonly at: number; readonly highest: number }
  restarts: number
}

/**
 * What one request brought. `changed`: the source is not the one the bytes so far are from. `slow` and `too-large` end the
 * download.
 */
type TryResult = 'complete' | 'cut' | 'changed' | 'refused' | 'busy' | 'slow' | 'too-large' | Failure

/**
 * Brings a report into the archive, byte for byte as the server sends it, without decoding. Resumes with `Range` and
 * `If-Match` after a cut, and starts over when the source changed. Uses node:https because `fetch` always decodes gzip,
 * and a range counts encoded bytes.
 */
export async function download(first: URL, options: DownloadOptions): Promise<ArchivedBlob | Failure> {
  const transfer = newTransfer(first, options.clock())
  let idle = 0
  let links = 0
  for (let requests = 0; idle < TRIES_WITHOUT_PROGRESS; requests++) {
    if (requests === REQUESTS) return givenUp(transfer, `it was not complete after ${REQUESTS} requests`)
    const before = transfer.highest
    const result = await tryOnce(transfer, options)
    if (isFailure(result)) return result
    if (result === 'complete') return (transfer.writer ?? options.open(false)).commit()
    if (result === 'too-large') return givenUp(transfer, `it has more than MAX_REPORT_BYTES, ${options.maxBytes} bytes`)
    if (result === 'slow') return givenUp(transfer, 'it brought less than 1 MiB in 5 minutes')
    // Without an ETag nobody knows whether the rest would be of the same source.
    if (result === 'changed' || (transfer.offset > 0 && !transfer.etag)) startOver(transfer)
    if (transfer.restarts > RESTARTS) return givenUp(transfer, `it was begun anew ${RESTARTS} times`)
    if (result === 'refused') {
      if (++links > FRESH_LINKS) break
      const link = await options.renewLink()
      if (isFailure(link)) return link
      transfer.link = link
    }
    idle = transfer.highest > before ? 0 : idle + 1
    if (idle > 0) await wait(Math.min(100 * 2 ** idle, 5_000))
  }
  return givenUp(transfer, 'it was cut or refused again and again')
}

function newTransfer(link: URL, now: Date): Transfer {
  const mark = { at: now.getTime(), highest: 0 }
  return { link, offset: 0, etag: undefined, writer: undefined, length: undefined, highest: 0, mark, restarts: 0 }
}

function givenUp({ link }: Transfer, reason: string): Failure {
  return failed('unavailable', `download from ${safeAddress(link)}: given up: ${reason}`)
}

function startOver(transfer: Transfer): void {
  transfer.restarts += 1
  transfer.offset = 0
  transfer.etag = undefined
  transfer.writer = undefined
  transfer.length = undefined
}

/** Sends one request, from the byte where the last one ended, and reads to the end or to the next cut. */
async function tryOnce(transfer: Transfer, options: DownloadOptions): Promise<TryResult> {
  const refusal = allowedLink(transfer.link, options.hosts)
  if (refusal) return refusal
  const response = await request(transfer)
  if (!response) return 'cut'
  const verdict = judge(response, transfer)
  if (verdict !== 'read') {
    // The body is not read: it may be a whole report.
    response.destroy()
    return verdict
  }
  return receive(response, transfer, options)
}

function judge(response: IncomingMessage, transfer: Transfer): TryResult | 'read' {
  const status = response.statusCode ?? 0
  if (status === 206 && transfer.offset > 0) return sameSource(response, transfer) ? 'read' : 'changed'
  if (status === 200) return transfer.offset === 0 ? 'read' : 'changed'
  if (status === 412 || status === 416) return 'changed'
  if (status === 401 || status === 403 || status === 404 || status === 410) return 'refused'
  if (status === 429 || status >= 500) return 'busy'
  const where = safeAddress(transfer.link)
  return failed('link-refused', `download from ${where}: unexpected answer ${status}; redirects are not followed`)
}

function sameSource(response: IncomingMessage, transfer: Transfer): boolean {
  const range = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')
  return response.headers.etag === transfer.etag && Number(range?.[1]) === transfer.offset
}

async function receive(response: IncomingMessage, transfer: Transfer, options: DownloadOptions): Promise<TryResult> {
  if (transfer.offset === 0) {
    transfer.etag = response.headers.etag
    const length = Number(response.headers['content-length'] ?? Number.NaN)
    transfer.length = Number.isSafeInteger(length) ? length : undefined
    transfer.writer = undefined
  }
  if ((transfer.length ?? 0) > options.maxBytes) {
    response.destroy()
    return 'too-large'
  }
  const ended = await copy(response, transfer, options)
  if (typeof ended === 'string') return ended
  if (transfer.length === undefined) return ended ? 'complete' : 'cut'
  return transfer.offset === transfer.length ? 'complete' : 'cut'
}

/**
 * Copies what arrives and says whether the body ended properly, or why the download ends. The first two bytes, which may
 * come one by one, decide whether it is gzip. Throws what the archive throws.
 */
async function copy(
  response: IncomingMessage,
  transfer: Transfer,
  options: DownloadOptions,
): Promise<boolean | 'slow' | 'too-large'> {
  const chunks = response.iterator({ destroyOnReturn: true })
  const append = async (chunk: Buffer) => {
    transfer.writer ??= options.open(isGzip(chunk))
    await transfer.writer.append(chunk)
    transfer.offset += chunk.length
  }
  let head: Buffer = Buffer.alloc(0)
  try {
    while (true) {
      const next = await chunks.next().catch(() => undefined)
      if (!next) return false
      if (next.done && response.complete && head.length > 0) await append(head)
      if (next.done) return response.complete
      const chunk: Buffer = next.value
      if (transfer.offset + head.length + chunk.length > options.maxBytes) return 'too-large'
      head = head.length > 0 ? Buffer.concat([head, chunk]) : chunk
      if (!transfer.writer && head.length < 2) continue
      await append(head)
      head = Buffer.alloc(0)
      transfer.highest = Math.max(transfer.highest, transfer.offset)
      if (isSlow(transfer, options.clock())) return 'slow'
    }
  } finally {
    response.destroy()
  }
}

/** Whether too little has come since the last mark. A mark is set again each time that enough has come. */
function isSlow(transfer: Transfer, now: Date): boolean {
  const { mark, highest } = transfer
  const isEnough = highest - mark.highest >= SLOWEST_BYTES
  if (isEnough) transfer.mark = { at: now.getTime(), highest }
  return !isEnough && now.getTime() - mark.at >= SLOWEST_MS
}

/** Sends a request; undefined where no answer came. It carries no token of ours, because the link is signed. */
function request({ link, offset, etag }: Transfer): Promise<IncomingMessage | undefined> {
  const headers = {
    'Accept-Encoding': 'gzip, identity',
    ...(offset > 0 && etag && { Range: `bytes=${offset}-`, 'If-Match': etag }),
  }
  const get = link.protocol === 'https:' ? httpsGet : httpGet
  return new Promise((resolve) => {
    const sent: ClientRequest = get(link, { headers, timeout: SILENCE_LIMIT_MS }, resolve)
    const timer = setTimeout(() => sent.destroy(), HEADER_LIMIT_MS)
    sent.on('response', () => clearTimeout(timer))
    sent.on('timeout', () => sent.destroy())
    sent.on('close', () => clearTimeout(timer))
    sent.on('error', () => resolve(undefined))
  })
}
