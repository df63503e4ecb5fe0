/** `npm run simulator`: the simulator as a process. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { certificateFiles } from '../certificate.ts'
import { PROFILES } from './service.ts'
import { type SimulatorOptions, startSimulator } from './simulator.ts'

const USAGE =
  'usage: npm run simulator -- [--port n] [--authority-port n] [--state file] [--profile 2021|2023|observed]'

/** Reads the flags. Undefined when one is unknown or has a value that it cannot take. */
function readFlags(flags: readonly string[]): SimulatorOptions | undefined {
  const text = { type: 'string' } as const
  const options = { port: text, 'authority-port': text, state: text, profile: text }
  try {
    const { values } = parseArgs({ args: [...flags], options })
    const { port = '0', 'authority-port': authorityPort = '0', state } = values
    const profile = PROFILES.find((each) => each === (values.profile ?? '2023'))
    if (![port, authorityPort].every((number) => /^\d{1,5}$/.test(number))) return undefined
    if (profile === undefined) return undefined
    return {
      port: Number(port),
      authorityPort: Number(authorityPort),
      profile,
      ...(state !== undefined && { state }),
    }
  } catch {
    return undefined
  }
}

/** Ends with one line on stderr and the exit code of every command: 1 failed, 2 wrong usage. */
function leave(code: 1 | 2, line: string): never {
  process.stderr.write(`${line}\n`)
  process.exit(code)
}

async function run(options: SimulatorOptions): Promise<void> {
  const simulator = await startSimulator(options).catch(({ code, port, message }) => {
    if (code !== 'EADDRINUSE') return leave(1, `the simulator could not start: ${message}`)
    return leave(1, `port ${port} is in use: choose another with --port or --authority-port`)
  })
  const keepsState = options.state !== undefined
  const base = options.state ?? join(mkdtempSync(join(tmpdir(), 'simulator-')), 'simulator')
  const { certificate } = certificateFiles(base)
  if (!keepsState) writeFileSync(certificate, simulator.certificate)
  const end = async () => {
    await simulator.close()
    if (!keepsState) rmSync(dirname(base), { recursive: true })
    process.exit(0)
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
  const { baseUrl, origin, authority, keyVault, identity } = simulator
  process.stdout.write(`${JSON.stringify({ baseUrl, origin, authority, keyVault, identity, certificate })}\n`)
}

const options = readFlags(process.argv.slice(2))
if (options === undefined) leave(2, USAGE)
await run(options)
