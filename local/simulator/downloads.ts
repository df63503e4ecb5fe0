/** Signed links and the downloads behind them. */

import { createHash, randomUUID } from 'node:crypto'
import type { Answer, Call } from './http.ts'
import { formatOf, type Served } from './served.ts'
import type { Service } from './service.ts'
import type { Execution, Report } from './state.ts'
import type { CutEffect } from './switches.ts'
import { isSigned, sign } from './tokens.ts'

/** How long a link is valid, by the simulator's clock. The lifetime of the real ones is unknown. */
const LINK_MS = 3_600_000

/** Gives a signed address of the file, valid for an hour. Each is different. */
export function downloadLink(service: Service, report: Report, execution: Execution): string {
  const path = `/download/${report.reportId}/${execution.executionId}.${formatOf(report, execution)}`
  const [expires, id] = [new Date(service.now().getTime() + LINK_MS).toISOString(), randomUUID()]
  const query = new URLSearchParams({ sig: sign(service, `link ${path} ${expires} ${id}`), se: expires, id })
  return `${service.origin}${path}?${query}`
}

/** Says why a download is refused. Only the link opens the file: a request that also sends a token is refused. */
export function refuseDownload(call: Call, service: Service): Answer | undefined {
  if (call.headers.authorization !== undefined || call.headers['x-aaduserticket'] !== undefined) {
    return plain(400, 'a signed link takes no Authorization header')
  }
  const [signature, expires, id] = ['sig', 'se', 'id'].map((name) => call.query.get(name) ?? '')
  if (!isSigned(service, `link ${call.path} ${expires} ${id}`, signature ?? ''))
    return plain(403, 'AuthenticationFailed: the signature does not match')
  if (call.effects.includes('expired')) expireLink(call, service)
  const ended = service.expired.has(signature ?? '') || service.now().getTime() >= Date.parse(expires ?? '')
  return ended ? plain(403, 'AuthenticationFailed: the signature has expired') : undefined
}

function expireLink(call: Call, service: Service): void {
  service.expired.add(call.query.get('sig') ?? '')
}

/** What a cut can do beside cutting: the link expires, or the file is replaced. */
export function afterCut(call: Call, service: Service, run: Execution): void {
  const cut = call.effects.find((effect): effect is CutEffect => typeof effect === 'object' && 'cutAt' in effect)
  if (cut?.after === 'expired') expireLink(call, service)
  if (cut?.after !== 'replaced') return
  const { state } = service
  state.executions = state.executions.map((kept) => (kept === run ? { ...run, replaced: true } : kept))
  service.save()
}

/** GET /download/{reportId}/{executionId}.csv: the report or a range of it, as gzip even where that is not accepted. */
export function answerDownload(call: Call, served: Served): Answer {
  const { bytes } = served
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`
  const headers = {
    'content-type': call.path.endsWith('.tsv') ? 'text/tab-separated-values' : 'text/csv',
    // An empty body is not gzip.
    ...(bytes.length > 0 && { 'content-encoding': 'gzip' }),
    'accept-ranges': 'bytes',
    etag,
  }
  const condition = call.headers['if-match']
  if (condition !== undefined && condition !== '*' && condition !== etag) return plain(412, 'ConditionNotMet')
  const range = call.headers.range
  if (range === undefined) return { status: 200, headers, body: bytes }
  const span = readRange(range, bytes.length)
  if (!span) return { ...plain(416, 'InvalidRange'), headers: { 'content-range': `bytes */${bytes.length}` } }
  const contentRange = `bytes ${span.first}-${span.last}/${bytes.length}`
  return {
    status: 206,
    headers: { ...headers, 'content-range': contentRange },
    body: bytes.subarray(span.first, span.last + 1),
  }
}

/** Reads `bytes=first-last`, `bytes=first-` or `bytes=-length`. Undefined when none of it lies in the file. */
function readRange(range: string, length: number): { readonly first: number; readonly last: number } | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? []
  if (from === '' && to === '') return undefined
  const first = from === '' ? Math.max(0, length - Number(to)) : Number(from)
  const last = from === '' || to === '' ? length - 1 : Math.min(Number(to), length - 1)
  return first <= last ? { first, last } : undefined
}

function plain(status: number, text: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: text }
}
