import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPage } from '../../local/build.ts'
import { type DashboardAnswer, readDashboard } from '../../src/app/dashboard.ts'

/** What the app answers: a body, or a status with an optional body. */
export type Reply = { readonly status?: number; readonly body?: unknown }

export type PageServer = {
  readonly origin: string
  /** The address of the page with the key. */
  readonly address: string
  /** Every request for data so far. */
  readonly asked: readonly { readonly path: string; readonly key: string | undefined }[]
  close(): Promise<void>
}

export const KEY = 'a-key/with+signs=='

/** Serves the built page with its real headers, and what the test says for data. */
export async function startPageServer(reply: (path: string) => Reply | Promise<Reply>): Promise<PageServer> {
  const page = await builtPage()
  const asked: { path: string; key: string | undefined }[] = []
  const server = createServer(async ({ url = '', headers }, response) => {
    if (url === '/api/dashboard') return response.writeHead(200, { ...page.headers }).end(page.body)
    if (!url.startsWith('/api/status')) return response.writeHead(404).end()
    const path = decodeURIComponent(url.slice('/api/'.length))
    const key = headers['x-functions-key']
    asked.push({ path, key: typeof key === 'string' ? key : undefined })
    if (key !== KEY) return response.writeHead(401).end()
    const { status = 200, body } = await reply(path)
    return response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(body === undefined ? '' : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    address: `${origin}/api/dashboard#${encodeURIComponent(KEY)}`,
    asked,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The page as the app sends it. */
export async function builtPage(): Promise<DashboardAnswer> {
  const folder = await mkdtemp(join(tmpdir(), 'page-'))
  try {
    const file = join(folder, 'dashboard.html')
    await writeFile(file, await buildPage())
    return await readDashboard(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
