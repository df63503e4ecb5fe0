import { codeOf, rowsOf, textOf } from '../docs/page.ts'
import { namesRead } from '../setup/settings-read.ts'
import { ALL_NAMES, appSettings, NAMES, ofType, rolesOf } from './snapshot.ts'

/** The Functions host reads these, and the app does not. */
const OF_THE_HOST = [
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'AzureWebJobsStorage__blobServiceUri',
  'AzureWebJobsStorage__clientId',
  'AzureWebJobsStorage__credential',
  'DataStorage__credential',
  'languageWorkers__node__arguments',
]

/** No template sets them: a connection string holds a key, and secrets are in the vault. */
const SECRET = [
  'CALLBACK_SECRET_PREVIOUS',
  'DataStorage',
  'PARTNER_CERTIFICATE',
  'PARTNER_CLIENT_SECRET',
  'PARTNER_PASSWORD',
  'PARTNER_REFRESH_TOKEN',
]

const BY_THE_PLATFORM = ['AZURE_FUNCTIONS_ENVIRONMENT', 'WEBSITE_HOSTNAME', 'WEBSITE_SITE_NAME']

/** They have defaults, and `extraAppSettings` takes others. */
export const EXTRA = [
  'ADOPT_AFTER',
  'DELETE_REPORTS',
  'INGEST_TIME_LIMIT',
  'LEASE',
  'MAX_IN_FLIGHT',
  'MAX_REPORT_BYTES',
  'MAX_TRIES',
  'PARTNER_AUTHORITY_HOST',
  'PARTNER_USERNAME',
  'POLL_EVERY',
  'PROVISION_SCHEDULE',
  'REPORT_DEADLINE',
  'REPORT_DOWNLOAD_HOSTS',
  'SWEEP_SCHEDULE',
  'TOKEN_HEADER',
]

/** The app reads these, and the template leaves them out. */
const LEFT_OUT = [...SECRET, ...BY_THE_PLATFORM, ...EXTRA]

/** Settings that the app or its host reads and the snapshots do not set, or the other way round. */
export function settingFaults(project = '.'): readonly string[] {
  const set = new Set(NAMES.flatMap((name) => Object.keys(appSettings(name, project))))
  const read = namesRead()
  const wanted = [...[...read].filter((name) => !LEFT_OUT.includes(name)), ...OF_THE_HOST]
  return [
    ...wanted.filter((name) => !set.has(name)).map((name) => `${name} is not set`),
    ...[...set].filter((name) => !wanted.includes(name)).map((name) => `${name} is set, and nobody reads it`),
    ...LEFT_OUT.filter((name) => !read.has(name)).map((name) => `nobody reads ${name} any more`),
  ]
}

/** Roles that the snapshots give and docs/deploy.md does not list, or the other way round. */
export function roleFaults(project = '.'): readonly string[] {
  const key = (role = '') => `${role.charAt(0).toLowerCase()}${role.slice(1).replaceAll(' ', '')}`
  const listed = rowsOf(textOf('docs/deploy.md'), 'to').map(
    ({ to, role, scope }) => `${to}: ${key(role)} on ${codeOf(scope)}`,
  )
  const roles = ALL_NAMES.flatMap((name) => rolesOf(name, project))
  const given = new Set(roles.map(({ to, role, scope }) => `${to}: ${role} on ${scope}`))
  return [
    ...[...given].filter((each) => !listed.includes(each)).map((each) => `the page does not list ${each}`),
    ...listed.filter((each) => !given.has(each)).map((each) => `nobody gets ${each}`),
  ]
}

const CLOSED: Readonly<Record<string, unknown>> = {
  allowSharedKeyAccess: false,
  allowBlobPublicAccess: false,
  minimumTlsVersion: 'TLS1_2',
  supportsHttpsTrafficOnly: true,
}

/** What lets somebody into a storage account without a role. */
export function accountFaults(project = '.'): readonly string[] {
  return ALL_NAMES.flatMap((snapshot) => {
    const accounts = ofType(snapshot, 'Microsoft.Storage/storageAccounts', project)
    const faults = accounts.flatMap(({ name, properties }) =>
      Object.keys(CLOSED)
        .filter((property) => properties?.[property] !== CLOSED[property])
        .map((property) => `${snapshot}: ${property} of ${name} is ${properties?.[property]}`),
    )
    return accounts.length === 2 ? faults : [`${snapshot} has ${accounts.length} storage accounts`]
  })
}
