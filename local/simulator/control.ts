/** How a test looks into the simulator and steers it. */

import { type FaultRule, ruleProblem, type SetFault } from './faults.ts'
import { type Answer, type Call, json, parseJson } from './http.ts'
import { type Restatement, toRestatement } from './restate.ts'
import type { Served } from './served.ts'
import type { LoggedRequest } from './service.ts'
import type { Report, Secret } from './state.ts'
import { FAULTS } from './switches.ts'

/** What a test can see of a simulator and do to it. */
export type Controls = {
  /** Every request received, except those to `/_sim/`. */
  readonly requests: readonly LoggedRequest[]
  /** What a report holds, even after it was deleted. Undefined for a reportId that was never given out. */
  served(reportId: string): Served | undefined
  /** The reports that exist at the service now. */
  reports(): readonly Report[]
  /** Turns on a switch of `switches.ts`. Throws where it cannot act. */
  fault(rule: FaultRule): void
  /** The switches that are on. */
  faults(): readonly SetFault[]
  /** Turns all switches off, but for the reports that were created under them. */
  clearFaults(): void
  /** Reports of the dataset that are created from now on hold other rows than those before. */
  restate(restatement: Restatement): void
  /** Puts a secret into the Key Vault. `exp` is in seconds since 1970. */
  keepSecret(name: string, value: string, exp?: number): void
  /** What the Key Vault holds, each secret in its newest version. */
  secrets(): readonly Secret[]
  /** Serves exactly these bytes, compressed, for every report of the query that is created from now on. */
  serveFile(queryId: string, bytes: Buffer): void
  /** Moves the simulator's clock. */
  advance(milliseconds: number): void
}

/** Answers `/_sim/…`: the controls over HTTP. A refusal is `{ "problem": "…" }`. */
export function answerControl(call: Call, controls: Controls): Answer {
  const [, , command = '', id = ''] = call.path.split('/')
  const asked = `${call.method} ${command}`
  if (asked === 'GET requests') return json(200, controls.requests)
  if (asked === 'GET reports') return json(200, controls.reports())
  if (asked === 'GET served') return answerServed(id, controls)
  if (asked === 'GET secrets') return json(200, controls.secrets())
  if (asked === 'GET fault') return listFaults(controls)
  if (asked === 'POST fault') return takeFault(call, controls)
  if (asked === 'DELETE fault') {
    controls.clearFaults()
    return json(200, {})
  }
  if (asked === 'POST restate') return restate(call, controls)
  if (asked === 'POST advance') return advance(call, controls)
  if (asked === 'POST file' && id !== '') {
    controls.serveFile(id, call.body)
    return json(200, {})
  }
  if (asked === 'POST secret' && id !== '') {
    controls.keepSecret(id, call.body.toString('utf8'))
    return json(200, {})
  }
  return problem(404, `${call.method} ${call.path} is not a command of the simulator`)
}

/** Integers are sent as decimal text, dates as ISO 8601, `bytes` as base64. A column's type tells what its texts are. */
function answerServed(reportId: string, controls: Controls): Answer {
  const served = controls.served(reportId)
  if (!served) return problem(404, `report ${reportId} is unknown`)
  const rows = served.rows.map((row) => row.map((value) => (typeof value === 'bigint' ? String(value) : value)))
  return json(200, { ...served, rows, bytes: served.bytes.toString('base64') })
}

const FAULTS_USAGE =
  'POST an example to /_sim/fault; nth says which call or report is hit, counted from then on: the first one, a number, or all. DELETE turns all off.'

/** A person reads it in a terminal: a line for each fault. */
function listFaults(controls: Controls): Answer {
  const faults = FAULTS.map((each) => JSON.stringify(each))
  const parts = [`"usage":${JSON.stringify(FAULTS_USAGE)}`, `"set":${JSON.stringify(controls.faults())}`]
  const body = `{${parts.join(',\n')},\n"faults":[\n${faults.join(',\n')}\n]}\n`
  return { ...json(200, {}), body }
}

function takeFault(call: Call, controls: Controls): Answer {
  const rule = parseJson(call.body.toString('utf8'))
  const wrong = ruleProblem(rule)
  if (wrong !== undefined) return problem(400, `not a fault: ${wrong}`)
  controls.fault(rule as FaultRule)
  return json(200, {})
}

function restate(call: Call, controls: Controls): Answer {
  const restatement = toRestatement(parseJson(call.body.toString('utf8')))
  if (!restatement) return problem(400, 'restate takes dataset, rows (fewer, more or changed) and optionally window')
  controls.restate(restatement)
  return json(200, {})
}

function advance(call: Call, controls: Controls): Answer {
  const { milliseconds } = (parseJson(call.body.toString('utf8')) ?? {}) as { milliseconds?: unknown }
  if (typeof milliseconds !== 'number') return problem(400, 'advance takes {"milliseconds": <number>}')
  controls.advance(milliseconds)
  return json(200, {})
}

function problem(status: number, text: string): Answer {
  return json(status, { problem: text })
}
