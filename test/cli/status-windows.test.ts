import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import { toFailed } from '../../src/core/ledger/transitions.ts'
import { parseWindowId, windowId } from '../../src/core/time/window.ts'
import { storedEntry } from '../setup/stored.ts'
import { type Deployment, startDeployment } from './deployment.ts'

const MARCH = '20250301T000000Z_20250401T000000Z'
const APRIL = '20250401T000000Z_20250501T000000Z'
const USAGE = { dataset: 'AzureUsage', columns: ['Month', 'UsageQuantity'], from: '2025-03-01', to: '2025-05-01' }
const FEEDS = [
  { ...USAGE, name: 'usage' },
  { ...USAGE, name: 'other', to: '2025-04-01' },
]

let deployment: Deployment

beforeAll(async () => {
  deployment = await startDeployment(FEEDS)
  await deployment.run('usage')
  await deployment.settle('other')
  const { ledger } = deployment.services
  const april = parseWindowId(APRIL)
  if (!april) throw new Error(APRIL)
  const { value, etag } = await storedEntry(ledger, 'usage', windowId(april))
  if (value.state !== 'landed') throw new Error(value.state)
  const failure = failed('malformed', 'the report is cut off in line 7')
  const { figures: _, ...unpublished } = toFailed(value, failure, new Date())
  await ledger.write(unpublished, etag)
})
afterAll(() => deployment.close())

describe('status --windows', () => {
  it('lists every window with its id, state, rows, attempt and last error, of one feed where it is named', async () => {
    const { exit, out, err } = await deployment.command(['status', '--windows'])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    const [march] = await deployment.entries('usage')
    const rows = march?.figures?.rowsLanded
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/^feed +window +state +mark +rows +attempt +last error$/),
      expect.stringMatching(new RegExp(`^other +${MARCH} +landed +\\d+ +1$`)),
      expect.stringMatching(new RegExp(`^usage +${MARCH} +landed +${rows} +1$`)),
      expect.stringMatching(new RegExp(`^usage +${APRIL} +failed +- +1 +malformed: the report is cut off in line 7$`)),
      '',
    ])
    const one = await deployment.command(['status', '--windows', '--feed', 'other'])
    expect(one.out.split('\n').slice(1)).toEqual([expect.stringMatching(`^other +${MARCH} `), ''])
    const columns = out
      .split('\n')
      .slice(0, 4)
      .map((line) => [line.search(/window|\d{8}T/), line.search(/state|landed|failed/)])
    expect(new Set(columns.map(String)).size).toBe(1)
  })
})

/** Runs a command on a terminal, which `script` makes, and gives all that the terminal was told. */
async function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const program = [process.execPath, join(import.meta.dirname, '../../cli/main.ts'), ...args]
  const recorded =
    process.platform === 'darwin' ? ['-q', '/dev/null', ...program] : ['-qec', program.join(' '), '/dev/null']
  const child = spawn('script', recorded, {
    cwd: deployment.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...env },
  })
  return text(child.stdout)
}

/** What a terminal is told to do, other than to show text. */
const ESCAPES = '\u001b['

describe('colours', () => {
  it.each(['status', 'status --windows'])(
    '%s has them on a terminal, where they say nothing more; with NO_COLOR and elsewhere it has none',
    async (typed) => {
      const args = typed.split(' ')
      const [coloured, plain] = [await onTerminal(args), await onTerminal(args, { NO_COLOR: '1' })]
      const { out, err } = await deployment.command(args)
      expect(coloured).toContain(ESCAPES)
      expect(plain).not.toContain(ESCAPES)
      expect(out + err).not.toContain(ESCAPES)
      const shown = (all: string) => stripVTControlCharacters(all).replaceAll('\r\n', '\n')
      expect(shown(coloured)).toBe(out)
      expect(shown(plain)).toBe(out)
    },
  )

  it('--json has none, on a terminal either', async () => {
    expect(await onTerminal(['status', '--json'])).not.toContain(ESCAPES)
  })
})
