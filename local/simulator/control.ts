import { type FaultRule, ruleProblem } from './faults.ts'
import { type Answer, type Call, json, parseJson } from './http.ts'
import { toRestatement } from './restate.ts'
import type { Simulator } from './simulator.ts'

type Controlled = Pick<
  Simulator,
  'requests' | 'served' | 'reports' | 'fault' | 'restate' | 'serveFile' | 'keepSecret' | 'secrets' | 'advance'
>

/** The simulator's own methods over HTTP, under `/_sim/`. Refusals are `{ "problem": "…" }`. */
export function answerControl(call: Call, simulator: Controlled): Answer {
  const [, , command = '', id = ''] = call.path.split('/')
  const asked = `${call.method} ${command}`
  if (asked === 'GET requests') return json(200, simulator.requests)
  if (asked === 'GET reports') return json(200, simulator.reports())
  if (asked === 'GET served') return answerServed(id, simulator)
  if (asked === 'GET secrets') return json(200, simulator.secrets())
  if (asked === 'POST fault') return takeFault(call, simulator)
  if (asked === 'POST restate') return restate(call, simulator)
  if (asked === 'POST advance') return advance(call, simulator)
  if (asked === 'POST file' && id !== '') {
    simulator.serveFile(id, call.body)
    return json(200, {})
  }
  if (asked === 'POST secret' && id !== '') {
    simulator.keepSecret(id, call.body.toString('utf8'))
    return json(200, {})
  }
  return problem(404, `${call.method} ${call.path} is no command of the simulator`)
}

/** Integers travel as decimal text and dates as ISO 8601, `bytes` as base64; the type of a column tells what a text is. */
function answerServed(reportId: string, simulator: Controlled): Answer {
  const served = simulator.served(reportId)
  if (!served) return problem(404, `report ${reportId} is not known`)
  const rows = served.rows.map((row) => row.map((value) => (typeof value === 'bigint' ? String(value) : value)))
  return json(200, { ...served, rows, bytes: served.bytes.toString('base64') })
}

function takeFault(call: Call, simulator: Controlled): Answer {
  const rule = parseJson(call.body.toString('utf8'))
  const wrong = ruleProblem(rule)
  if (wrong !== undefined) return problem(400, `not a fault: ${wrong}`)
  simulator.fault(rule as FaultRule)
  return json(200, {})
}

function restate(call: Call, simulator: Controlled): Answer {
  const restatement = toRestatement(parseJson(call.body.toString('utf8')))
  if (!restatement) return problem(400, 'restate takes dataset, rows (fewer, more or changed) and perhaps window')
  simulator.restate(restatement)
  return json(200, {})
}

function advance(call: Call, simulator: Controlled): Answer {
  const { milliseconds } = (parseJson(call.body.toString('utf8')) ?? {}) as { milliseconds?: unknown }
  if (typeof milliseconds !== 'number') return problem(400, 'advance takes {"milliseconds": <number>}')
  simulator.advance(milliseconds)
  return json(200, {})
}

function problem(status: number, text: string): Answer {
  return json(status, { problem: text })
}
