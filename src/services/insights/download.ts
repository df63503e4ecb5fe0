import { type ClientRequest, get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { allowedLink, type DownloadHosts } from '../../core/report/download-hosts.ts'
import { withoutQuery } from '../safe-address.ts'
import type { ArchivedBlob, ArchiveWriter } from '../storage/archive.ts'

/** A server that sends nothing for this long counts as cut off. */
const SILENCE_LIMIT = 60_000

/** Tries in a row that bring no byte before the download is given up. */
const TRIES_WITHOUT_PROGRESS = 5

/** Links of the service are refused once they expire; a fresh one is asked for this often. */
const FRESH_LINKS = 3

export type DownloadOptions = {
  readonly hosts: DownloadHosts
  /** Opens the archive for bytes that are gzip or not; called again when the source was replaced half-way. */
  readonly open: (gzip: boolean) => ArchiveWriter
  /** Asks the service for a fresh link. */
  readonly renewLink: () => Promise<URL | Failure>
}

type Progress = {
  link: URL
  offset: number
  etag: string | undefined
  writer: ArchiveWriter | undefined
  length: number | undefined
}

type Step = 'complete' | 'cut' | 'changed' | 'refused' | 'busy' | Failure

/**
 * Brings a report into the archive, byte for byte as the server sends it: no decoding, resumed with `Range` and
 * `If-Match` after a cut, started over when the source changed. Plain node:https because `fetch` decodes gzip
 * whatever one asks for, and ranges count encoded bytes.
 */
export async function download(first: URL, options: DownloadOptions): Promise<ArchivedBlob | Failure> {
  const progress: Progress = { link: first, offset: 0, etag: undefined, writer: undefined, length: undefined }
  let idle = 0
  let links = 0
  while (idle < TRIES_WITHOUT_PROGRESS) {
    const before = progress.offset
    const step = await advance(progress, options)
    if (isFailure(step)) return step
    if (step === 'complete') return (progress.writer ?? options.open(false)).commit()
    if (step === 'changed') restart(progress)
    if (step === 'refused' && ++links > FRESH_LINKS) break
    const renewed = step === 'refused' ? await options.renewLink() : progress.link
    if (isFailure(renewed)) return renewed
    progress.link = renewed
    idle = progress.offset > before ? 0 : idle + 1
    if (idle > 0) await wait(Math.min(100 * 2 ** idle, 5_000))
  }
  return failed('unavailable', `download from ${withoutQuery(progress.link)}: given up after repeated cuts or refusals`)
}

function restart(progress: Progress): void {
  Object.assign(progress, { offset: 0, etag: undefined, writer: undefined, length: undefined })
}

/** One request: from where the last one ended to the end, or to the next cut. */
async function advance(progress: Progress, options: DownloadOptions): Promise<Step> {
  const refusal = allowedLink(progress.link, options.hosts)
  if (refusal) return refusal
  if (progress.offset > 0 && !progress.etag) restart(progress)
  const response = await open(progress)
  if (!response) return 'cut'
  const verdict = judge(response, progress)
  if (verdict !== 'read') {
    // Its body may be a whole report.
    response.destroy()
    return verdict
  }
  return receive(response, progress, options)
}

function judge(response: IncomingMessage, progress: Progress): Step | 'read' {
  const status = response.statusCode ?? 0
  if (status === 206 && progress.offset > 0) return sameSource(response, progress) ? 'read' : 'changed'
  if (status === 200) return progress.offset === 0 ? 'read' : 'changed'
  if (status === 412 || status === 416) return 'changed'
  if (status === 401 || status === 403 || status === 404 || status === 410) return 'refused'
  if (status === 429 || status >= 500) return 'busy'
  const where = withoutQuery(progress.link)
  return failed('link-refused', `download from ${where}: unexpected answer ${status}; redirects are not followed`)
}

function sameSource(response: IncomingMessage, progress: Progress): boolean {
  const range = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')
  return response.headers.etag === progress.etag && Number(range?.[1]) === progress.offset
}

async function receive(response: IncomingMessage, progress: Progress, options: DownloadOptions): Promise<Step> {
  if (progress.offset === 0) {
    progress.etag = response.headers.etag
    const length = Number(response.headers['content-length'] ?? Number.NaN)
    progress.length = Number.isSafeInteger(length) ? length : undefined
    progress.writer = undefined
  }
  const ended = await copy(response, progress, options)
  if (progress.length === undefined) return ended ? 'complete' : 'cut'
  return progress.offset === progress.length ? 'complete' : 'cut'
}

/** Copies what arrives; gives whether the body ended properly. An error of the archive is not the source's: it throws. */
async function copy(response: IncomingMessage, progress: Progress, options: DownloadOptions): Promise<boolean> {
  const chunks = response.iterator({ destroyOnReturn: true })
  try {
    while (true) {
      const next = await chunks.next().catch(() => undefined)
      if (!next) return false
      if (next.done) return response.complete
      const chunk: Buffer = next.value
      progress.writer ??= options.open(isGzip(response, chunk))
      await progress.writer.append(chunk)
      progress.offset += chunk.length
    }
  } finally {
    response.destroy()
  }
}

function isGzip(response: IncomingMessage, first: Buffer): boolean {
  const magic = first[0] === 0x1f && (first.length < 2 || first[1] === 0x8b)
  return response.headers['content-encoding']?.toLowerCase() === 'gzip' || magic
}

/** Sends the request; undefined where no answer came. Never with our token: the link carries its own right. */
function open({ link, offset, etag }: Progress): Promise<IncomingMessage | undefined> {
  const headers = {
    'Accept-Encoding': 'gzip, identity',
    ...(offset > 0 && etag && { Range: `bytes=${offset}-`, 'If-Match': etag }),
  }
  const get = link.protocol === 'https:' ? httpsGet : httpGet
  return new Promise((resolve) => {
    const request: ClientRequest = get(link, { headers, timeout: SILENCE_LIMIT }, resolve)
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}
