import { addressProblem } from '../core/address.ts'
import type { StorageConnection } from '../services/storage/clients.ts'
import type { Environment } from './environment.ts'

/**
 * Reads `DataStorage`, or the `DataStorage__…` settings that the Functions host documents for connections by identity.
 */
export function storageSettings(env: Environment, problems: string[]): StorageConnection | undefined {
  if (env.DataStorage) return byConnectionString(env.DataStorage, problems)
  const uris = {
    tableServiceUri: env.DataStorage__tableServiceUri,
    blobServiceUri: env.DataStorage__blobServiceUri,
    queueServiceUri: env.DataStorage__queueServiceUri,
  }
  const { tableServiceUri, blobServiceUri, queueServiceUri } = uris
  if (tableServiceUri && blobServiceUri && queueServiceUri) {
    problems.push(...Object.entries(uris).flatMap(([name, uri]) => problemOf(`DataStorage__${name}`, uri ?? '')))
    const clientId = env.DataStorage__clientId
    return { kind: 'identity', tableServiceUri, blobServiceUri, queueServiceUri, ...(clientId && { clientId }) }
  }
  const missing = Object.entries(uris).flatMap(([name, uri]) => (uri ? [] : [`DataStorage__${name} is missing`]))
  const nothing = 'DataStorage is missing (or DataStorage__…ServiceUri of table, blob and queue)'
  problems.push(...(missing.length === 3 ? [nothing] : missing))
  return undefined
}

/**
 * Checks that a connection string has what the clients need, and leaves the rest of its form to them. The value is a
 * secret, so no problem shows it.
 */
function byConnectionString(connectionString: string, problems: string[]): StorageConnection | undefined {
  const isEmulator = /^UseDevelopmentStorage=true/i.test(connectionString)
  const hasKey = /AccountName=[^;]/i.test(connectionString) && /AccountKey=[^;]/i.test(connectionString)
  const hasSignature =
    /SharedAccessSignature=[^;]/i.test(connectionString) && /Endpoint=https?:/i.test(connectionString)
  if (isEmulator || hasKey || hasSignature) {
    problems.push(...addressProblems(connectionString))
    return { kind: 'connection-string', connectionString }
  }
  problems.push('DataStorage is not a connection string of a storage account')
  return undefined
}

/** Checks the addresses inside a connection string, and those that the clients make from its protocol. */
function addressProblems(connectionString: string): readonly string[] {
  const parts = connectionString.split(';').map((part) => part.split('='))
  const values = new Map(parts.map(([name = '', ...rest]) => [name.trim().toLowerCase(), rest.join('=').trim()]))
  const named = [...values].filter(([name]) => name.endsWith('endpoint') || name === 'developmentstorageproxyuri')
  const isComplete = ['blobendpoint', 'queueendpoint', 'tableendpoint'].every((name) => values.has(name))
  const names = parts.map(([name = '']) => name.trim().toLowerCase()).filter((name) => name !== '')
  // Each client of the library takes another one of two, so the one that was checked need not be the one in use.
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  const protocol = values.get('defaultendpointsprotocol') ?? 'https'
  return [
    ...(repeated.size > 0 ? ['DataStorage: it has a name twice; leave one of the two out'] : []),
    ...named.flatMap(([name, value]) => problemOf(`DataStorage: its ${name}`, value)),
    ...(isComplete || protocol.toLowerCase() === 'https'
      ? []
      : ['DataStorage: its DefaultEndpointsProtocol is not https']),
  ]
}

function problemOf(name: string, address: string): readonly string[] {
  const problem = addressProblem(address)
  return problem === undefined ? [] : [`${name} ${problem}`]
}
