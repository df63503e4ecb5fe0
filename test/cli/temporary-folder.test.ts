import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'

const MODULE = pathToFileURL(join(import.meta.dirname, '../../cli/temporary-folder.ts')).href

/** Work that never ends. The second Ctrl-C comes while the first one is answered, before the folder can be gone. */
const SCRIPT = `
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inTemporaryFolder } from ${JSON.stringify(MODULE)}
await inTemporaryFolder((folder, signal) => {
  writeFileSync(join(folder, 'before-0'), 'rows of a customer')
  process.stdout.write('at work')
  setInterval(() => undefined, 1000)
  signal.addEventListener('abort', () => process.kill(process.pid, 'SIGINT'))
  setImmediate(() => process.kill(process.pid, 'SIGINT'))
  return new Promise(() => undefined)
})
`

it('a second Ctrl-C ends the process at once, with exit code 130 and no file left', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twice-'))
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, TMPDIR: folder },
  })
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect({ out, exit: child.exitCode, left: await readdir(folder) }).toEqual({ out: 'at work', exit: 130, left: [] })
})
