import { type Reply, type ScriptedServer, startScripted } from './scripted-server.ts'

export type VaultStandIn = {
  readonly server: ScriptedServer
  /** Secrets by name; `updated` in seconds since 1970. */
  readonly secrets: Map<string, { value: string; readonly updated: number; readonly exp?: number }>
  /** Names and values that were stored, in order. */
  readonly stored: string[]
  /** Gives the fault that hits a request, if any; `nth` counts from 1. */
  fault: (method: string, nth: number) => Reply | undefined
}

/** A stand-in for the secrets of a Key Vault, with faults as a test wants them. */
export async function startVault(now: () => Date): Promise<VaultStandIn> {
  const server = await startScripted()
  const vault: VaultStandIn = { server, secrets: new Map(), stored: [], fault: () => undefined }
  server.script(({ method, path, query, headers, body }, nth) => {
    const name = path.replace(/^\/secrets\//, '')
    if (headers.authorization !== 'Bearer vault-token' || query.get('api-version') !== '7.4') return { status: 401 }
    const fault = vault.fault(method, nth)
    if (fault) return fault
    if (method === 'PUT') {
      const { value } = JSON.parse(body) as { value: string }
      vault.secrets.set(name, { value, updated: Math.floor(now().getTime() / 1000) })
      vault.stored.push(`${name}=${value}`)
    }
    const secret = vault.secrets.get(name)
    if (!secret) return { status: 404, body: { error: { code: 'SecretNotFound' } } }
    const { value, ...attributes } = secret
    return { body: { value, id: `${server.origin}/secrets/${name}/1`, attributes: { enabled: true, ...attributes } } }
  })
  return vault
}
