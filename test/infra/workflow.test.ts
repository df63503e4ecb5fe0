import { execFile } from 'node:child_process'
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { textOf } from '../docs/page.ts'

const WORKFLOW = textOf('.github/workflows/deploy.yml')

/** What holds for all jobs, and then each job: its name and its text. */
const [FOR_ALL = '', ...JOBS] = WORKFLOW.split(/^ {2}(?=\w+:\n {4}(?:needs|runs-on):)/m)

/** The steps of the workflow, each as its text. Before them is what holds for all. */
const STEPS = WORKFLOW.split(/^ {6}- /m)

/** What the steps of a job run or use, where it is one line. */
function linesOf(job: string): readonly string[] {
  return Array.from(job.matchAll(/^ {6}(?:- | {2})(?:run|uses): (?!\|)(.*)$/gm), ([, line = '']) => line)
}

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

const DEPLOY = 'azd deploy app --from-package app.zip --no-prompt'

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

  it('tests and builds before it deploys, in jobs that cannot sign in to Azure', () => {
    expect(JOBS.map((job) => job.slice(0, job.indexOf(':')))).toEqual(['test', 'package', 'deploy'])
    const [test = '', build = '', deploy = ''] = JOBS
    expect(/^permissions:\n((?: +.*\n)+)/m.exec(FOR_ALL)?.[1]).toBe('  contents: read\n')
    for (const job of [test, build]) {
      expect(job).not.toMatch(/permissions:|environment:|env:|vars\.|secrets\.|azd/)
    }
    expect(linesOf(test)).toEqual([
      'actions/checkout@v5',
      'actions/setup-node@v5',
      'actions/setup-dotnet@v5',
      'npm ci',
      'dotnet restore infra/compiler.csproj',
      'npm run infra -- --required',
      'npm test',
    ])
    expect(linesOf(build)).toEqual([
      'actions/checkout@v5',
      'actions/setup-node@v5',
      'npm ci --ignore-scripts',
      'npm run build',
      'cd dist/app && zip -r ../app.zip .',
      'actions/upload-artifact@v6',
    ])
    expect(deploy).toMatch(/^ {4}needs: \[test, package\]\n/m)
  })

  it('signs in with the token of the run alone, under the name that the credential trusts', () => {
    const deploy = JOBS[2] ?? ''
    const granted = /^ {4}permissions:\n((?: {6}.*\n)+)/m.exec(deploy)?.[1]?.match(/^ +\S+: \w+$/gm)
    expect(granted?.map((line) => line.trim())).toEqual(['contents: read', 'id-token: write'])
    expect(deploy).toMatch(/^ {4}environment: azure\n/m)
    expect(WORKFLOW).not.toContain('secrets.')
    expect(linesOf(deploy)).toEqual([
      'actions/checkout@v5',
      'actions/setup-node@v5',
      'actions/download-artifact@v7',
      'Azure/setup-azd@v2',
      'azd auth login --client-id "$AZURE_CLIENT_ID" --tenant-id "$AZURE_TENANT_ID" --federated-credential-provider github',
      'azd provision --no-prompt',
      'npm run -s first-minutes',
    ])
  })

  it('hands the package from job to job by one name', () => {
    const [, build = '', deploy = ''] = JOBS
    expect(build).toMatch(/name: app\n {10}path: dist\/app\.zip\n/)
    expect(deploy).toMatch(/download-artifact@v7\n {8}with:\n {10}name: app\n/)
    expect(textOf('azure.yaml')).toMatch(/^ {2}app:\n/m)
  })

  it('waits for the app with what is checked out alone, so that nothing need be installed where it can sign in', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'workflow-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    for (const each of ['cli', 'infra', 'src', 'package.json']) await cp(each, join(folder, each), { recursive: true })
    const said = await new Promise<string>((resolve) => {
      execFile(process.execPath, ['infra/first-minutes.ts'], { cwd: folder, env: {} }, (_, out, err) =>
        resolve(out + err),
      )
    })
    expect(said).toContain('the outputs of the templates are missing')
  })

  it('runs on tags of a version and by hand, one at a time, without cancelling', () => {
    expect(FOR_ALL).toContain("\non:\n  push:\n    tags: ['v*']\n  workflow_dispatch:\n\n")
    expect(FOR_ALL).toContain('\nconcurrency: deploy\n')
  })

  it('gives the default where a variable is missing and azd would take it as empty', () => {
    const [, byDefault] = /^param partnerAuth string = '(.*)'$/m.exec(textOf('infra/main.bicep')) ?? []
    expect(WORKFLOW).toContain(`PARTNER_AUTH: \${{ vars.PARTNER_AUTH || '${byDefault}' }}\n`)
  })
})

describe('azure.yaml', () => {
  it('deploys the folder that the build makes, as it is', () => {
    const service = /^services:\n((?: +.*\n)+)/m.exec(textOf('azure.yaml'))?.[1] ?? ''
    const lines = service.split('\n').filter((line) => line !== '' && !line.trim().startsWith('#'))
    expect(lines.map((line) => line.trim())).toEqual([
      'app:',
      'project: .',
      'language: ts',
      'host: function',
      'dist: dist/app',
      'remoteBuild: false',
    ])
    expect(textOf('package.json')).toMatch(/"build": "[^"]+"/)
  })

  it('asks for the azd that the page names', () => {
    expect(textOf('azure.yaml')).toContain('\nrequiredVersions:\n  azd: ">= 1.25.3"\n')
    expect(textOf('docs/deploy.md')).toContain('[azd](https://aka.ms/azd) 1.25.3 or later')
  })
})
