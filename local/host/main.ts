/** The stand-in host as a process: `node local/host/main.ts --root <folder> --port <n>`. */

import { parseArgs } from 'node:util'
import { startHost } from './host.ts'
import { errorMessage } from './host-log.ts'

/** Core Tools listen here too. */
const DEFAULT_PORT = '7071'

function readOptions(): { root: string; port: number } {
  const { values } = parseArgs({ options: { root: { type: 'string' }, port: { type: 'string' } } })
  const port = Number(values.port ?? DEFAULT_PORT)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port ${values.port} is not a port number`)
  return { root: values.root ?? '.', port }
}

/** The host in Azure hands no empty setting on. */
function dropEmptySettings(): void {
  for (const [name, value] of Object.entries(process.env)) if (value === '') delete process.env[name]
}

async function main(): Promise<void> {
  dropEmptySettings()
  const host = await startHost({ ...readOptions(), log: (line) => console.log(line) })
  const stop = async () => {
    await host.close()
    process.exit(0)
  }
  process.once('SIGTERM', stop).once('SIGINT', stop)
}

try {
  await main()
} catch (error) {
  console.error(errorMessage(error))
  process.exit(1)
}
