import type { StorageConnection } from '../services/storage/clients.ts'
import type { Environment } from './environment.ts'

/** Reads `DataStorage` or `DataStorage__…`, the form the Functions host documents for identity connections. */
export function storageSettings(env: Environment, problems: string[]): StorageConnection | undefined {
  if (env.DataStorage) return byConnectionString(env.DataStorage, problems)
  const uris = {
    tableServiceUri: env.DataStorage__tableServiceUri,
    blobServiceUri: env.DataStorage__blobServiceUri,
    queueServiceUri: env.DataStorage__queueServiceUri,
  }
  const { tableServiceUri, blobServiceUri, queueServiceUri } = uris
  if (tableServiceUri && blobServiceUri && queueServiceUri) {
    const wrong = Object.entries(uris).filter(([, uri]) => !/^https?:/.test(uri ?? '') || !URL.canParse(uri ?? ''))
    problems.push(...wrong.map(([name]) => `DataStorage__${name} is no address`))
    const clientId = env.DataStorage__clientId
    return { kind: 'identity', tableServiceUri, blobServiceUri, queueServiceUri, ...(clientId && { clientId }) }
  }
  const missing = Object.entries(uris).flatMap(([name, uri]) => (uri ? [] : [`DataStorage__${name}`]))
  const all =
    missing.length === 3 ? 'DataStorage is missing (or DataStorage__…ServiceUri of table, blob and queue)' : ''
  problems.push(...(all ? [all] : missing.map((name) => `${name} is missing`)))
  return undefined
}

/** What the clients need of a connection string; the rest of its form is theirs to judge. The value is a secret and never told. */
function byConnectionString(connectionString: string, problems: string[]): StorageConnection | undefined {
  const isEmulator = /^UseDevelopmentStorage=true/i.test(connectionString)
  const hasKey = /AccountName=[^;]/i.test(connectionString) && /AccountKey=[^;]/i.test(connectionString)
  const hasSignature =
    /SharedAccessSignature=[^;]/i.test(connectionString) && /Endpoint=https?:/i.test(connectionString)
  if (isEmulator || hasKey || hasSignature) return { kind: 'connection-string', connectionString }
  problems.push('DataStorage is no connection string of a storage account')
  return undefined
}
