import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SCOPE } from '../src/services/sign-in/token-request.ts'

/** How long a person has to sign in. */
const PATIENCE_MS = 15 * 60_000

/** The answer that the browser brings back: a code, or the error code of the authority. */
export type BrowserAnswer = { readonly code: string } | { readonly refusal: string }

export type SignInListener = {
  /** The address that a person opens in a browser. It holds no secret. */
  readonly authorizeUrl: string
  readonly redirectUri: string
  readonly verifier: string
  /** Waits until the browser comes back. */
  answer(): Promise<BrowserAnswer>
  close(): void
}

/** Listens on this machine for the end of a sign-in in the browser. Ignores any answer without our `state`. */
export async function listenForSignIn(tenantUrl: string, clientId: string): Promise<SignInListener> {
  const state = randomText()
  const verifier = randomText()
  const server = createServer()
  // Entra accepts any port for the registered redirect address "http://localhost" (RFC 8252).
  await once(server.listen(0, 'localhost'), 'listening')
  const redirectUri = `http://localhost:${(server.address() as AddressInfo).port}`
  const parameters = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    response_mode: 'query',
    state,
    scope: `${SCOPE} offline_access`,
    prompt: 'select_account',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  // A connection that cannot be accepted is the browser's loss alone, and it asks again.
  server.on('error', () => undefined)
  const answer = waitForBrowser(server, state)
  return {
    authorizeUrl: `${tenantUrl}/oauth2/v2.0/authorize?${parameters}`,
    redirectUri,
    verifier,
    answer: () => answer,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function waitForBrowser(server: Server, state: string): Promise<BrowserAnswer> {
  const { promise, resolve } = Promise.withResolvers<BrowserAnswer>()
  const timer = setTimeout(() => resolve({ refusal: 'nobody signed in within 15 minutes' }), PATIENCE_MS)
  server.on('close', () => clearTimeout(timer))
  server.on('request', (request, response) => {
    const parameters = parametersOf(request)
    const isOurs = parameters?.get('state') === state
    response.writeHead(isOurs ? 200 : 404, { 'content-type': 'text/plain', connection: 'close' })
    response.end(isOurs ? 'You can close this page and go back to the terminal.' : '')
    if (!isOurs) return
    const code = parameters?.get('code')
    resolve(code ? { code } : { refusal: errorCode(parameters?.get('error') ?? null) })
  })
  return promise
}

/** The parameters of the request that a browser sends when it comes back; undefined for any other request. */
function parametersOf({ method, url = '' }: IncomingMessage): URLSearchParams | undefined {
  const base = 'http://localhost'
  if (method !== 'GET' || !URL.canParse(url, base)) return undefined
  const { pathname, searchParams } = new URL(url, base)
  return pathname === '/' ? searchParams : undefined
}

/** Gives only the code of the error, because its description can contain names. */
function errorCode(error: string | null): string {
  return /^[a-z_]{1,60}$/.test(error ?? '') ? String(error) : 'no code'
}

function randomText(): string {
  return randomBytes(32).toString('base64url')
}
