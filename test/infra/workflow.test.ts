import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { textOf } from '../docs/page.ts'

/** The steps of the workflow, each as its text. Before them is what holds for all. */
const STEPS = textOf('.github/workflows/deploy.yml').split(/^ {6}- /m)

/** The script of a step of several lines. */
function scriptOf(step: string): string {
  return /^ {8}run: \|\n((?: {10}.*\n)+)/m.exec(step)?.[1]?.replaceAll(/^ {10}/gm, '') ?? ''
}

/** The hook of azd after a deployment, on a machine like that of the workflow. */
const HOOK = / posix:\n(?: {6}.*\n)*? {6}run: (.*)\n/.exec(textOf('azure.yaml'))?.[1] ?? ''

/** Runs a script with programs that note their arguments; `azd` fails as often as is said. */
async function run(script: string, { failures = 0, env = {} as Record<string, string> }) {
  const folder = await mkdtemp(join(tmpdir(), 'workflow-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const note = (name: string) => `echo "${name} $*" >> ${folder}/asked\n`
  const azd = `${note('azd')}[ "$(/usr/bin/grep -c ^azd ${folder}/asked)" -gt ${failures} ]\n`
  for (const [name, body] of Object.entries({ azd, sleep: note('sleep'), npm: note('npm') })) {
    await writeFile(join(folder, name), `#!/bin/sh\n${body}`)
    await chmod(join(folder, name), 0o755)
  }
  await writeFile(join(folder, 'asked'), '')
  const exit = await new Promise<number>((resolve) => {
    const child = execFile('/bin/bash', ['-e', '-c', script], { env: { PATH: folder, ...env } }, () =>
      resolve(child.exitCode ?? -1),
    )
  })
  return { exit, asked: (await readFile(join(folder, 'asked'), 'utf8')).trim().split('\n') }
}

const DEPLOY = 'azd deploy --no-prompt'

describe('the workflow', () => {
  const deploys = STEPS.findIndex((step) => step.includes(DEPLOY))
  const step = STEPS[deploys] ?? ''

  it.each([
    [0, 0, [DEPLOY]],
    [1, 0, [DEPLOY, 'sleep 60', DEPLOY]],
    [3, 0, [DEPLOY, 'sleep 60', DEPLOY, 'sleep 120', DEPLOY, 'sleep 240', DEPLOY]],
    [4, 1, [DEPLOY, 'sleep 60', DEPLOY, 'sleep 120', DEPLOY, 'sleep 240', DEPLOY]],
  ])('deploys again after a deployment that failed: %i failures, exit code %i', async (failures, exit, asked) => {
    expect(await run(scriptOf(step), { failures })).toEqual({ exit, asked })
  })

  it('does not deploy again where the app alone is not up: it waits for the app in the step after', async () => {
    const [, name = '', value = ''] = /^ {8}env:\n {10}(\w+): (\w+)\n/m.exec(step) ?? []
    expect(await run(HOOK, { env: { [name]: value } })).toEqual({ exit: 0, asked: [''] })
    expect(STEPS[deploys + 1]).toMatch(/^ {8}run: npm run -s first-minutes\n/m)
  })

  it('leaves the first minutes to the hook where a person deploys', async () => {
    expect(await run(HOOK, {})).toEqual({ exit: 0, asked: ['npm run -s first-minutes'] })
  })
})
