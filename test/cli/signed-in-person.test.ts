import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { makeCertificate } from '../../local/certificate.ts'
import { CALLBACK_SECRET } from '../setup/settings.ts'
import { spawnCommand } from './deployment.ts'

const IN_A_DAY = new Date(Date.now() + 86_400_000).toISOString()
const TOKENS = {
  azd: `echo '{"token":"of azd","expiresOn":"${IN_A_DAY}"}'`,
  az: `echo '{"accessToken":"of az","expiresOn":"${IN_A_DAY}","expires_on":${Math.floor(Date.parse(IN_A_DAY) / 1000)}}'`,
}
const SIGNED_OUT = {
  azd: 'echo \'{"error":"not logged in, run `azd auth login` to login"}\' >&2; exit 1',
  az: 'echo "ERROR: Please run \'az login\' to setup account." >&2; exit 1',
}
const ONE_LINE = 'nobody is signed in to Azure on this machine, or no longer: type "azd auth login" or "az login"\n'

const NO_MESSAGES = '<?xml version="1.0" encoding="utf-8"?><QueueMessagesList/>'

type Programs = { readonly azd?: string; readonly az?: string }

/** Runs `status` on a laptop that has these programs, over a storage that holds nothing and takes any token. */
async function statusWith(programs: Programs) {
  const folder = await mkdtemp(join(tmpdir(), 'person-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\necho "${name} $*" >> ${folder}/asked\n${script}\n`)
    await chmod(join(folder, name), 0o755)
  }
  await writeFile(join(folder, 'feeds.json'), '{"feeds":[]}')
  const { certificate, key } = await makeCertificate()
  await writeFile(join(folder, 'certificate.pem'), certificate)
  const seen = new Set<string | undefined>()
  const server = createServer({ cert: certificate, key }, (request, response) => {
    seen.add(request.headers.authorization)
    request.resume()
    // A queue speaks XML, a table JSON.
    const isQueue = request.url?.includes('/ingest') === true
    response.setHeader('content-type', isQueue ? 'application/xml' : 'application/json')
    response.writeHead(request.method === 'GET' ? 200 : 201).end(isQueue ? NO_MESSAGES : '{"value":[]}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}/acme`
  const child = spawnCommand(folder, ['status'], {
    PATH: folder,
    NODE_EXTRA_CA_CERTS: join(folder, 'certificate.pem'),
    DataStorage__tableServiceUri: address,
    DataStorage__blobServiceUri: address,
    DataStorage__queueServiceUri: address,
    DEPLOYMENT_ID: 'test',
    CALLBACK_BASE_URL: '',
    CALLBACK_SECRET,
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'app',
    PARTNER_REFRESH_TOKEN: 'first',
  })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const asked = (await readFile(join(folder, 'asked'), 'utf8').catch(() => '')).trim().split('\n')
  return { exit: child.exitCode, out, err, tokens: [...seen], asked }
}

it('a command reaches the storage with the token of azd, and does not ask az', async () => {
  const { exit, err, tokens, asked } = await statusWith(TOKENS)
  expect({ exit, err, tokens }).toEqual({ exit: 0, err: '', tokens: ['Bearer of azd'] })
  expect(asked[0]).toMatch(/^azd auth token .*--scope https:\/\/storage\.azure\.com\/\.default/)
  expect(asked.some((line) => line.startsWith('az '))).toBe(false)
})

it('where nobody is signed in with azd, it takes the token of az', async () => {
  for (const azd of [SIGNED_OUT.azd, undefined]) {
    const { exit, err, tokens } = await statusWith({ az: TOKENS.az, ...(azd && { azd }) })
    expect({ exit, err, tokens }).toEqual({ exit: 0, err: '', tokens: ['Bearer of az'] })
  }
})

it('where nobody is signed in at all, one line says what to type', async () => {
  for (const programs of [SIGNED_OUT, {}]) {
    const { exit, out, err, tokens } = await statusWith(programs)
    expect({ exit, out, err, tokens }).toEqual({ exit: 1, out: '', err: ONE_LINE, tokens: [] })
  }
})
