import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { certificateFiles } from '../certificate.ts'
import type { Profile } from './service.ts'
import { type SimulatorOptions, startSimulator } from './simulator.ts'

const USAGE = 'usage: npm run simulator -- [--port n] [--authority-port n] [--state file] [--profile 2021|2023]'

/** Reads the flags; undefined when one is unknown or its value is none it can take. */
function readFlags(flags: readonly string[]): SimulatorOptions | undefined {
  const text = { type: 'string' } as const
  const options = { port: text, 'authority-port': text, state: text, profile: text }
  try {
    const { values } = parseArgs({ args: [...flags], options })
    const { port = '0', 'authority-port': authorityPort = '0', state, profile = '2023' } = values
    if (![port, authorityPort].every((number) => /^\d{1,5}$/.test(number)) || !/^20(21|23)$/.test(profile))
      return undefined
    const ports = { port: Number(port), authorityPort: Number(authorityPort), profile: profile as Profile }
    return state === undefined ? ports : { ...ports, state }
  } catch {
    return undefined
  }
}

/** Leaves with one line on stderr; codes as for every command: 1 failed, 2 wrong usage. */
function leave(code: 1 | 2, line: string): never {
  process.stderr.write(`${line}\n`)
  process.exit(code)
}

function explain(error: unknown): string {
  const { code, port, message } = error as { code?: string; port?: number; message: string }
  if (code !== 'EADDRINUSE') return `the simulator could not start: ${message}`
  return `port ${port} is in use: choose another with --port or --authority-port`
}

async function run(options: SimulatorOptions): Promise<void> {
  const simulator = await startSimulator(options).catch((error: unknown) => leave(1, explain(error)))
  const folder = options.state === undefined ? mkdtempSync(join(tmpdir(), 'simulator-')) : undefined
  const certificate =
    folder === undefined ? certificateFiles(options.state ?? '').certificate : join(folder, 'certificate.pem')
  if (folder !== undefined) writeFileSync(certificate, simulator.certificate)
  const end = async () => {
    await simulator.close()
    if (folder !== undefined) rmSync(folder, { recursive: true })
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
