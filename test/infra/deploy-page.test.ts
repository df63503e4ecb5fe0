import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { problem } from '../../src/core/doctor.ts'
import { isFailure } from '../../src/core/failures.ts'
import { needSecret } from '../../src/services/sign-in/sign-in.ts'
import { section, textOf } from '../docs/page.ts'
import { type Received, type ScriptedServer, startScripted } from '../services/scripted-server.ts'
import { FUNCTION_KEY, LIST_KEYS, playFirstMinutes } from './play-first-minutes.ts'

/** What the page says that the first minutes print, in the order of its steps. */
const SAMPLES = Array.from(
  section(textOf('docs/deploy.md'), '## The way').matchAll(/^ {3}```text\n(.*?)^ {3}```/gms),
  ([, text = '']) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(3)),
)

let server: ScriptedServer
beforeEach(async () => {
  server = await startScripted()
})
afterEach(() => server.close())

/** What the first minutes print, with `<APP_URL>` for the address of the app. */
async function printed(health: string, findings: readonly object[], outputs = {}): Promise<readonly string[]> {
  const answers: Record<string, object> = {
    [LIST_KEYS]: { functionKeys: { default: FUNCTION_KEY } },
    '/api/health': { status: health },
    '/api/run/doctor': { findings },
    '/api/run/provision': { requested: 9 },
  }
  server.script(({ path }: Received) => ({ body: answers[path] ?? {} }))
  const { lines } = await playFirstMinutes(server.origin, { outputs: { AZURE_ENV_NAME: 'partner', ...outputs } })
  return lines.map((line) => line.replaceAll(server.origin, '<APP_URL>'))
}

/** What the doctor finds where nobody has given consent. */
async function noConsent(): Promise<object> {
  const vault = { get: async () => undefined, set: async () => undefined }
  const missing = await needSecret('default', 'refresh-token', undefined, vault)
  if (!isFailure(missing)) throw new Error('the vault is empty')
  const finding = problem('sign-in', missing.message, 'What the doctor advises.')
  return { ...finding, account: { name: 'default', auth: 'refresh-token' } }
}

/** The lines of a sample, as far as it shows them: `…` stands for the rest of a line. */
function asShown(lines: readonly string[], sample: readonly string[]): readonly string[] {
  return lines.map((line, index) => {
    const [shown = '', rest] = (sample[index] ?? '').split(' …')
    return rest === undefined ? line : `${line.slice(0, shown.length)} …`
  })
}

describe('deploy.md', () => {
  it('has what the first minutes print before the app has its ids, before consent, and when all is well', async () => {
    expect(SAMPLES).toHaveLength(3)
    const said = [
      await printed('unavailable', [], { PARTNER_TENANT_ID: '', PARTNER_CLIENT_ID: '' }),
      await printed('ok', [await noConsent()]),
      await printed('ok', []),
    ]
    expect(said.map((lines, index) => asShown(lines, SAMPLES[index] ?? []))).toEqual(SAMPLES)
  })
})
