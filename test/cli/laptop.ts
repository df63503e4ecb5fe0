import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { makeCertificate } from '../../local/certificate.ts'
import { spawnCommand } from './deployment.ts'

const IN_A_DAY = new Date(Date.now() + 86_400_000).toISOString()

/** Programs that give a token, as shell scripts. */
export const TOKENS = {
  azd: `echo '{"token":"of azd","expiresOn":"${IN_A_DAY}"}'`,
  az: `echo '{"accessToken":"of az","expiresOn":"${IN_A_DAY}","expires_on":${Math.floor(Date.parse(IN_A_DAY) / 1000)}}'`,
}

/** Programs that say that nobody is signed in. */
export const SIGNED_OUT = {
  azd: 'echo \'{"error":"not logged in, run `azd auth login` to login"}\' >&2; exit 1',
  az: 'echo "ERROR: Please run \'az login\' to setup account." >&2; exit 1',
}

const NO_MESSAGES = '<?xml version="1.0" encoding="utf-8"?><QueueMessagesList/>'

export type Programs = { readonly azd?: string; readonly az?: string }

/** What stands on a laptop: programs, files of the folder and variables, made from the address of the storage. */
export type Laptop = {
  readonly programs: Programs
  readonly files?: (address: string) => Readonly<Record<string, string>>
  readonly env?: (address: string) => NodeJS.ProcessEnv
}

/** Runs a command on a laptop, over a storage that holds nothing and takes any token. */
export async function onLaptop(args: readonly string[], { programs, files, env }: Laptop) {
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
  const paths: string[] = []
  const server = createServer({ cert: certificate, key }, (request, response) => {
    seen.add(request.headers.authorization)
    paths.push(request.url ?? '')
    request.resume()
    // A queue speaks XML, a table JSON.
    const isQueue = request.url?.includes('/ingest') === true
    response.setHeader('content-type', isQueue ? 'application/xml' : 'application/json')
    response.writeHead(request.method === 'GET' ? 200 : 201).end(isQueue ? NO_MESSAGES : '{"value":[]}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}/acme`
  for (const [path, content] of Object.entries(files?.(address) ?? {})) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  const child = spawnCommand(folder, args, {
    PATH: folder,
    NODE_EXTRA_CA_CERTS: join(folder, 'certificate.pem'),
    ...env?.(address),
  })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const asked = (await readFile(join(folder, 'asked'), 'utf8').catch(() => '')).trim().split('\n')
  return { exit: child.exitCode, out, err, tokens: [...seen], paths, asked }
}
