import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePorts, waitUntil } from '../../local/processes.ts'
import { makeProject, processesOf, runNpm } from './start-run.ts'

let root: string
beforeAll(async () => {
  root = await makeProject({ feeds: [] })
})
afterAll(() => rm(root, { recursive: true }))

/** The options of the recipe in docs/run-locally.md, on other ports. */
const OPTIONS = {
  azurite: ([blob, queue, table]: readonly number[]) =>
    `--location ${join(root, 'data')} --blobPort ${blob} --queuePort ${queue} --tablePort ${table}`,
  simulator: ([port, authority]: readonly number[]) =>
    `--state ${join(root, 'state.json')} --port ${port} --authority-port ${authority}`,
}

it.skipIf(process.platform !== 'linux').each([
  ['azurite', 'SIGTERM'],
  ['azurite', 'SIGKILL'],
  ['simulator', 'SIGTERM'],
  ['simulator', 'SIGKILL'],
] as const)('npm run %s ends when its npm ends by %s', async (script, signal) => {
  const ports = await freePorts(3)
  const run = runNpm(root, ['run', script, '--', ...OPTIONS[script](ports).split(' ')])
  const answer = () => fetch(`http://127.0.0.1:${ports[0]}`).catch(() => undefined)
  await waitUntil('it serves', async () => (await answer()) !== undefined || run.child.exitCode !== null)
  expect(run.child.exitCode, run.lines.join('\n')).toBeNull()
  run.child.kill(signal)
  await waitUntil('no process is left', async () => (await processesOf(root)).length === 0)
})
