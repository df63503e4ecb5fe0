/** What the switches do to answers. */

import { createHash } from 'node:crypto'
import { type Answer, type Call, json, parameter, parseJson, refusal } from './http.ts'
import type { Service } from './service.ts'
import { oauthRefusal } from './sign-in.ts'
import { type Effect, type StatusEffect, settingOf } from './switches.ts'

type Envelope = { readonly value?: unknown } & Record<string, unknown>

/** How an endpoint words a refusal. */
export type Refusal = (status: number, message: string, headers?: Readonly<Record<string, string>>) => Answer

/** What is answered instead of asking the endpoint. Undefined when none of the effects does that. */
export function answerInstead(effects: readonly Effect[], refuse: Refusal, nth: number): Answer | undefined {
  const status = effects.find((effect): effect is StatusEffect => typeof effect === 'object' && 'status' in effect)
  if (status) return statusAnswer(status, refuse)
  const page = settingOf(effects, 'page')
  if (page !== undefined) {
    const body = `<html><head><title>${page}</title></head><body><h1>${page}</h1><hr>gateway</body></html>`
    return { status: page, headers: { 'content-type': 'text/html' }, body }
  }
  const code = settingOf(effects, 'envelope')
  if (code !== undefined) return { ...refuse(code, 'Service unavailable'), status: 200 }
  const noMfa = settingOf(effects, 'noMfa')
  if (noMfa === 'always' || (noMfa === 'sometimes' && nth % 4 !== 0)) return NO_MFA
  const refused = settingOf(effects, 'refuse')
  return refused && REFUSED_SIGN_IN[refused]
}

/** In the form of Partner Center's REST errors. */
const NO_MFA = json(401, { code: 900421, description: 'The token lacks the multi-factor authentication claim.' })

const REFUSED_SIGN_IN = {
  temporarily_unavailable: oauthRefusal(400, 'temporarily_unavailable', 'AADSTS90033: A transient error has occurred.'),
  invalid_grant: oauthRefusal(400, 'invalid_grant', 'AADSTS70000: The grant is not valid or has expired.'),
  invalid_client: oauthRefusal(401, 'invalid_client', 'AADSTS7000215: Invalid client secret provided.'),
}

function statusAnswer({ status, message, body, headers = {} }: StatusEffect, refuse: Refusal): Answer {
  if (typeof body === 'string') return { status, headers, body }
  return body === undefined ? refuse(status, message ?? String(status), headers) : json(status, body, headers)
}

/** The endpoint's own answer, changed as the effects say. */
export function spoilAnswer(answer: Answer, call: Call, service: Service): Answer {
  const status = settingOf(call.effects, 'doneThen')
  if (status !== undefined) return refusal(status, 'Service unavailable')
  const paged = pageOf(answer, call, service)
  const changed = changeEnvelope(paged, call.effects)
  return call.effects.includes('truncated')
    ? { ...changed, body: changed.body.subarray(0, changed.body.length / 2) }
    : changed
}

function changeEnvelope(answer: Answer, effects: readonly Effect[]): Answer & { readonly body: Buffer } {
  const [redacted, pascal] = [effects.includes('redacted'), effects.includes('pascalCase')]
  const link = settingOf(effects, 'link')
  if (!redacted && !pascal && link === undefined) return { ...answer, body: Buffer.from(answer.body) }
  const envelope = { ...envelopeOf(answer), ...(redacted && { dataRedacted: true }) }
  const linked = link === undefined ? envelope : { ...envelope, value: withLink(envelope.value, link) }
  return { ...answer, body: Buffer.from(JSON.stringify(pascal ? inPascalCase(linked) : linked)) }
}

function envelopeOf(answer: Answer): Envelope {
  return parseJson(answer.body.toString()) as Envelope
}

function withLink(value: unknown, reportAccessSecureLink: string): unknown {
  return Array.isArray(value) ? value.map((item: object) => ({ ...item, reportAccessSecureLink })) : value
}

function inPascalCase({ nextLink, dataRedacted, ...envelope }: Envelope): object {
  const value = Array.isArray(envelope.value) ? envelope.value.map(capitalised) : envelope.value
  return capitalised({ ...envelope, value })
}

function capitalised(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name[0]?.toUpperCase() + name.slice(1), value]),
  )
}

const PAGES = 3

/**
 * One page of a list. The switch gives the first page, and the `skiptoken` in its link leads to the others: so a switch
 * that hits a single call still leads through all pages.
 */
function pageOf(answer: Answer, call: Call, service: Service): Answer {
  const [kind = settingOf(call.effects, 'nextLink'), page = '1'] = parameter(call, 'skiptoken')?.split('-') ?? []
  if (kind === undefined || answer.status !== 200) return answer
  const envelope = envelopeOf(answer)
  const value: readonly unknown[] = Array.isArray(envelope.value) ? envelope.value : []
  const [number, size] = [Number(page), Math.floor(value.length / PAGES)]
  const last = number === PAGES
  const part = value.slice((number - 1) * size, last ? undefined : number * size)
  const nextLink = last ? null : linkTo(kind, kind === 'loop' ? 1 : number + 1, call, service)
  return json(200, { ...envelope, value: part, totalCount: part.length, nextLink })
}

function linkTo(kind: string, page: number, call: Call, service: Service): string {
  const query = new URLSearchParams(call.query)
  query.set('skiptoken', `${kind}-${page}`)
  if (kind === 'relative') return `${call.path.replace('/insights/v1/mpn/', '')}?${query}`
  return `${kind === 'otherHost' ? 'https://elsewhere.invalid' : service.origin}${call.path}?${query}`
}

/** Where the effects cut a body of `length` bytes. `random` is another place for each request and the same in each run. */
export function cutPlace(effects: readonly Effect[], length: number, service: Service): number | undefined {
  const place = settingOf(effects, 'cutAt')
  if (place !== 'random') return place
  const bits = createHash('sha256').update(`${service.seed} ${service.requests.length}`).digest().readUInt32BE()
  return length > 1 ? 1 + (bits % (length - 1)) : undefined
}
