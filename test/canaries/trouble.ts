import type { Simulator } from '../../local/simulator/simulator.ts'
import { callbackToken } from '../../src/services/insights/callback-token.ts'
import type { Planted } from './planted.ts'

/** All secrets, as an authority that repeats what it was sent would write them. */
const echoOf = (planted: Planted) => `AADSTS70000: ${Object.values(planted).join(' ')}`

/** What the service itself was sent: the last token, and an address for callbacks. */
function echoOfService({ requests }: Simulator, planted: Planted): string {
  const token = requests.findLast(({ headers }) => headers.authorization)?.headers.authorization
  const callback = callbackToken(planted.CALLBACK_SECRET, { feed: 'costs', window: 'any', attempt: 2 })
  return `Incorrect column. ${token} (${token}) http://127.0.0.1/api/callback/costs/any/2/${callback} ${callback}`
}

/** What heals by itself: sign-in and the vault repeat what they were sent, answers are lost, a link expires. */
export function troubleAtFirst({ fault }: Simulator, planted: Planted): void {
  const body = { error: 'invalid_grant', error_description: echoOf(planted) }
  for (const nth of [1, 2, 3]) fault({ endpoint: 'token', nth, effect: { status: 400, body } })
  fault({ endpoint: 'getSecret', nth: 2, effect: { page: 500 } })
  fault({ endpoint: 'setSecret', effect: { status: 400, message: echoOf(planted) } })
  fault({ endpoint: 'createReport', nth: 2, effect: { status: 401 } })
  fault({ endpoint: 'createReport', nth: 4, effect: { page: 502 } })
  fault({ endpoint: 'listExecutions', nth: 2, effect: 'truncated' })
  fault({ endpoint: 'listExecutions', nth: 4, effect: { page: 500 } })
  fault({ endpoint: 'download', effect: 'expired' })
  fault({ endpoint: 'download', nth: 4, effect: { cutAt: 10 } })
}

/** What ends an attempt: rejects, a link to another host, a redirect, and a refusal of the last report. */
export function troubleLater(simulator: Simulator, planted: Planted, reports: number): void {
  const { fault } = simulator
  const elsewhere = `https://elsewhere.example/r.csv?sig=${planted.refusedLink}`
  fault({ endpoint: 'report', effect: 'badLastRow' })
  fault({ endpoint: 'listExecutions', nth: 2, effect: { link: elsewhere } })
  const redirect = { status: 302, body: echoOf(planted), headers: { location: elsewhere } }
  fault({ endpoint: 'download', nth: 3, effect: redirect })
  const message = echoOfService(simulator, planted)
  fault({ endpoint: 'createReport', nth: reports, effect: { status: 400, message } })
}
