import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withFaults } from '../../local/generate-docs.ts'
import type { FaultRule } from '../../local/simulator/faults.ts'
import type { Simulator } from '../../local/simulator/simulator.ts'
import { namesIn, rowsOf, textOf } from '../docs/page.ts'
import { openSimulator } from '../setup/simulator.ts'

const PAGE = textOf('docs/run-locally.md')

/** What a person gets who asks for the faults. */
type Listed = {
  readonly set: readonly (FaultRule & { readonly calls: number })[]
  readonly faults: readonly { readonly fault: string; readonly does: string; readonly example: FaultRule }[]
}

let simulator: Simulator
beforeEach(async () => {
  ;({ simulator } = await openSimulator())
})
afterEach(() => simulator.close())

const ask = (path: string, body?: string) =>
  fetch(`${simulator.origin}/_sim/${path}`, body ? { method: 'POST', body } : {})

const listed = async () => (await (await ask('fault')).json()) as Listed

describe('the list of faults', () => {
  it('says of each what it does, on a line of its own, with an example that can be sent as it is', async () => {
    const text = await (await ask('fault')).text()
    const { faults } = await listed()
    expect(faults.length).toBeGreaterThan(40)
    for (const { fault, does, example } of faults) {
      expect(does, fault).toMatch(/^[A-Z0-9`].*\.$/)
      expect(text.split('\n').filter((line) => line.includes(`"fault":"${fault}"`))).toHaveLength(1)
      const answer = await ask('fault', JSON.stringify(example))
      expect(answer.status, `${fault}: ${await answer.text()}`).toBe(200)
    }
    expect((await listed()).set.map(({ calls, ...rule }) => rule)).toEqual(faults.map(({ example }) => example))
  })

  it('says which are set, and how many calls each has counted', async () => {
    expect((await listed()).set).toEqual([])
    const rule = { endpoint: 'identity', effect: { status: 503 }, nth: 2 } as const
    await ask('fault', JSON.stringify(rule))
    await fetch(simulator.identity.endpoint)
    expect((await listed()).set).toEqual([{ ...rule, calls: 1 }])
    await fetch(`${simulator.origin}/_sim/fault`, { method: 'DELETE' })
    expect((await listed()).set).toEqual([])
  })

  it('is where a fault that does not exist is sent to', async () => {
    const answer = await ask('fault', '{"endpoint": "token", "effect": "lots"}')
    expect(await answer.json()).toEqual({ problem: expect.stringContaining('GET /_sim/fault') })
  })
})

describe('run-locally.md', () => {
  it('has the faults as they are listed', async () => {
    const { faults } = await listed()
    expect(namesIn(rowsOf(PAGE, 'fault'), 'fault')).toEqual(faults.map(({ fault }) => fault))
    expect(PAGE).toBe(withFaults(PAGE))
  })

  it('has commands that the simulator takes as they are', async () => {
    const commands = Array.from(PAGE.matchAll(/^curl (?:-X (\w+) )?http:\/\/127\.0\.0\.1:10003(\S+)(?: -d '(.*)')?$/gm))
    expect(commands.map(([, method = 'GET', path]) => `${method} ${path}`)).toEqual([
      'GET /_sim/fault',
      ...Array(3).fill('POST /_sim/fault'),
      'POST /_sim/restate',
      'DELETE /_sim/fault',
    ])
    for (const [command, method = 'GET', path, body] of commands) {
      const answer = await fetch(`${simulator.origin}${path}`, { method, ...(body && { body }) })
      expect(answer.status, command).toBe(200)
    }
  })
})
