import type { LoggedRequest } from '../../local/simulator/service.ts'
import type { SiteStorage } from './site-storage.ts'

/** A secret that may appear nowhere but in the requests it belongs to. */
export type Canary = { readonly what: string; readonly text: string }

/** A text that somebody can read: a line of a log, a row, a message. */
export type Place = { readonly where: string; readonly text: string }

/** A part of a canary that is this long counts as the whole: half a token in a log is a leak, too. */
const PIECE = 16

const HEADERS = ['authorization', 'x-aaduserticket', 'x-identity-header']
const FIELDS = ['refresh_token', 'client_secret', 'client_assertion', 'password', 'code', 'code_verifier']

/** Every secret that the stand-ins received: tokens, credentials of a sign-in, signed queries, callback tokens. */
export function canariesOf(requests: readonly LoggedRequest[]): readonly Canary[] {
  const found = requests.flatMap((request) => [
    ...HEADERS.map((name) => ({ what: name, text: String(request.headers[name] ?? '').replace(/^Bearer /i, '') })),
    { what: 'signed query', text: request.query.sig ?? '' },
    ...bodyCanaries(request),
  ])
  const long = found.filter(({ text }) => text.length >= PIECE)
  return [...new Map(long.map((canary) => [canary.text, canary])).values()]
}

function bodyCanaries({ method, path, body }: LoggedRequest): readonly Canary[] {
  if (path.endsWith('/token')) {
    const form = new URLSearchParams(body)
    return FIELDS.map((what) => ({ what, text: form.get(what) ?? '' }))
  }
  if (path.startsWith('/secrets/') && method === 'PUT') return [{ what: 'stored secret', text: JSON.parse(body).value }]
  const callback = /"CallbackUrl":"[^"]*\/([^/"]+)"/.exec(body)?.[1]
  return callback ? [{ what: 'callback token', text: callback }] : []
}

/** Names each canary that is in one of the places, as it is or encoded. Empty when there is none. */
export function leaksOf(canaries: readonly Canary[], places: readonly Place[]): readonly string[] {
  const pieces = new Map(canaries.flatMap(({ what, text }) => piecesOf(text).map((piece) => [piece, what] as const)))
  return places.flatMap(({ where, text }) => {
    const starts = Array.from({ length: Math.max(text.length - PIECE + 1, 0) }, (_, start) => start)
    const found = starts.flatMap((start) => pieces.get(text.slice(start, start + PIECE)) ?? [])
    return [...new Set(found)].map((what) => `${what} in ${where}`)
  })
}

/** Every line that a host wrote. */
export function linesOf({ lines }: { readonly lines: readonly string[] }): readonly Place[] {
  return lines.map((text) => ({ where: `the log: ${text.slice(0, 120)}`, text }))
}

/** Every row of the ledger, the app's own rows included. */
export async function ledgerPlaces({ rows }: Pick<SiteStorage, 'rows'>): Promise<readonly Place[]> {
  const found = await rows('ledger')
  return found.map((row) => ({ where: `ledger row ${row.PartitionKey} ${row.RowKey}`, text: JSON.stringify(row) }))
}

/** The items of each list as texts, under the name of the list. */
export function placesOf(lists: Readonly<Record<string, readonly unknown[]>>): readonly Place[] {
  return Object.entries(lists).flatMap(([where, all]) => all.map((each) => ({ where, text: JSON.stringify(each) })))
}

/** Throws when a secret that the stand-ins received is in one of the places, and names each of them. */
export function forbidLeaks(requests: readonly LoggedRequest[], places: readonly Place[]): void {
  const leaks = leaksOf(canariesOf(requests), places)
  if (leaks.length > 0) throw new Error(`secrets where anyone can read them: ${leaks.join('; ')}`)
}

/** Pieces side by side in every form, and the last one: any part of a canary of twice their length holds a piece. */
function piecesOf(text: string): readonly string[] {
  return formsOf(text).flatMap((form) => {
    const starts = Array.from({ length: Math.floor(form.length / PIECE) }, (_, index) => index * PIECE)
    return [...starts, form.length - PIECE].map((start) => form.slice(start, start + PIECE))
  })
}

function formsOf(text: string): readonly string[] {
  const hex = Buffer.from(text).toString('hex')
  const base64 = [0, 1, 2].map((bytes) => base64After(text, bytes))
  const forms = [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), hex, hex.toUpperCase(), ...base64]
  return [...forms, ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))]
}

/** The part of the base64 form that does not depend on what is around the text, with `bytes` bytes before it. */
function base64After(text: string, bytes: number): string {
  const whole = Buffer.concat([Buffer.alloc(bytes), Buffer.from(text)]).toString('base64')
  return whole.slice(bytes === 0 ? 0 : bytes + 1, -4)
}
