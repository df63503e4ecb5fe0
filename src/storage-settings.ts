import type { Environment } from './environment.ts'

/** Where ledger, rows, archive and queue live: a connection string locally, an identity in Azure. */
export type Storage =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | {
      readonly kind: 'identity'
      readonly tableServiceUri: string
      readonly blobServiceUri: string
      readonly queueServiceUri: string
      /** Of a user-assigned identity. */
      readonly clientId?: string
    }

/** Reads `DataStorage` or `DataStorage__…`, the form the Functions host documents for identity connections. */
export function storageSettings(env: Environment, problems: string[]): Storage | undefined {
  if (env.DataStorage) return { kind: 'connection-string', connectionString: env.DataStorage }
  const uris = {
    tableServiceUri: env.DataStorage__tableServiceUri,
    blobServiceUri: env.DataStorage__blobServiceUri,
    queueServiceUri: env.DataStorage__queueServiceUri,
  }
  const { tableServiceUri, blobServiceUri, queueServiceUri } = uris
  if (tableServiceUri && blobServiceUri && queueServiceUri) {
    const clientId = env.DataStorage__clientId
    return { kind: 'identity', tableServiceUri, blobServiceUri, queueServiceUri, ...(clientId && { clientId }) }
  }
  const missing = Object.entries(uris).flatMap(([name, uri]) => (uri ? [] : [`DataStorage__${name}`]))
  const all =
    missing.length === 3 ? 'DataStorage is missing (or DataStorage__…ServiceUri of table, blob and queue)' : ''
  problems.push(...(all ? [all] : missing.map((name) => `${name} is missing`)))
  return undefined
}
