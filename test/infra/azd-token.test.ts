import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const OUTPUTS = {
  APP_ID: '/subscriptions/1/resourceGroups/rg-partner/providers/Microsoft.Web/sites/func-partner',
  APP_URL: 'http://127.0.0.1:9',
  AZURE_TENANT_ID: '00000000-0000-0000-0000-0000000000dd',
  PARTNER_TENANT_ID: 'contoso.onmicrosoft.com',
  PARTNER_CLIENT_ID: 'an-application',
}

/** Runs the first minutes with an `azd` that nobody is signed in to: they end before they ask Azure. */
async function firstMinutes(env: NodeJS.ProcessEnv, files: Readonly<Record<string, string>>, ...args: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'minutes-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'azd'), `#!/bin/sh\necho "$*" >> ${folder}/asked\nexit 1\n`)
  await chmod(join(folder, 'azd'), 0o755)
  await mkdir(join(folder, '.azure/partner'), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, '.azure', name), text)
  const options = { cwd: folder, env: { PATH: folder, ...env } }
  const out = await new Promise<string>((done) => {
    execFile(process.execPath, [resolve('infra/first-minutes.ts'), ...args], options, (_, stdout) => done(stdout))
  })
  expect(out).toContain('azd auth login')
  return (await readFile(join(folder, 'asked'), 'utf8')).trim().split('\n')
}

const OF_TENANT = [`auth token --output json --tenant-id ${OUTPUTS.AZURE_TENANT_ID}`]

it('the first minutes as a hook ask azd for a token of the tenant that it hands them', async () => {
  expect(await firstMinutes(OUTPUTS, {})).toEqual(OF_TENANT)
})

const envFile = (outputs: object) =>
  Object.entries(outputs)
    .map(([name, value]) => `${name}="${value}"\n`)
    .join('')

it('the first minutes of an environment that is named are not those of the hook or of the default', async () => {
  const files = { 'config.json': '{"defaultEnvironment":"other"}', 'partner/.env': envFile(OUTPUTS) }
  const hooks = { ...OUTPUTS, AZURE_TENANT_ID: 'of the shell' }
  expect(await firstMinutes(hooks, files, 'partner')).toEqual(OF_TENANT)
})

it('the first minutes in a shell that knows an app and no address are no hook', async () => {
  const files = { 'config.json': '{"defaultEnvironment":"partner"}', 'partner/.env': envFile(OUTPUTS) }
  expect(await firstMinutes({ APP_ID: 'of the shell' }, files)).toEqual(OF_TENANT)
})

it('the first minutes without azd say that it is not installed', async () => {
  const options = { env: { ...OUTPUTS, PATH: '' } }
  const out = await new Promise<string>((done) => {
    execFile(process.execPath, ['infra/first-minutes.ts'], options, (_, stdout) => done(stdout))
  })
  expect(out).toContain('azd is not installed')
  expect(out).not.toContain('azd auth login')
})

it('the first minutes by hand ask azd for a token of the tenant of the environment', async () => {
  const files = { 'config.json': '{"defaultEnvironment":"partner"}', 'partner/.env': envFile(OUTPUTS) }
  expect(await firstMinutes({ AZURE_TENANT_ID: 'of the shell' }, files)).toEqual(OF_TENANT)
})
