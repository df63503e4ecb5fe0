import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { type Azurite, startAzurite } from '../../local/azurite.ts'
import { certificateFiles, keepCertificate } from '../../local/certificate.ts'
import { freePorts } from '../../local/processes.ts'
import {
  type ProxiedRequest,
  type ServiceOrigins,
  type StorageProxies,
  startStorageProxies,
} from '../../local/proxy.ts'
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts'
import { appSettings, ofType, type SnapshotName } from '../infra/snapshot.ts'
import { type HostProcess, runHost } from './host-process.ts'
import { trust } from './insights.ts'
import { emptyStorage, openSiteStorage, type SiteStorage } from './site-storage.ts'

const ACCOUNT = 'devstoreaccount1'
const CLIENT_ID = '00000000-0000-0000-0000-0000000000cc'
const FUNCTION_KEY = 'a key of this deployment'
const PEAK_MEMORY = pathToFileURL(join(import.meta.dirname, 'peak-memory.ts')).href
const TWO_DAYS_MS = 2 * 86_400_000

/** The refresh token that `consent` put into the vault, two days ago. */
export const FIRST_TOKEN = 'the refresh token of the first consent'

/** A call of the app or its host to a service of the storage account. */
export type StorageCall = ProxiedRequest & { readonly service: keyof ServiceOrigins }

/** A deployment as the template makes it, with stand-ins for what is in Azure: all of them ask for tokens. */
export type Production = SiteStorage & {
  readonly simulator: Simulator
  /** Of the template, with the addresses of the stand-ins. */
  readonly settings: NodeJS.ProcessEnv
  calls(): readonly StorageCall[]
  /**
   * Starts a host on the folder of `deployableApp` in place of the one before, with the settings of a snapshot: `defaults`,
   * unless another is named.
   */
  start(app: string, changes?: NodeJS.ProcessEnv, name?: SnapshotName): Promise<DeployedApp>
  /** Ends the host, and makes the storage as it is after the first provision. */
  renew(): Promise<void>
  close(): Promise<void>
}

/** A host that runs the deployed app. */
export type DeployedApp = HostProcess & {
  /** The most memory that its process has had, in MiB. Known after it has stopped. */
  peakMemoryMiB(): Promise<number>
  /** Asks one of its routes with the function key. */
  ask(route: string, method?: string): Promise<Response>
}

export async function startProduction(): Promise<Production> {
  const folder = await mkdtemp(join(tmpdir(), 'production-'))
  const certificate = await keepCertificate(join(folder, 'storage'))
  // The simulator's clock is behind while it is given the secret.
  let behindMs = TWO_DAYS_MS
  const now = () => new Date(Date.now() - behindMs)
  const [azurite, simulator, [port = 0]] = await Promise.all([
    startAzurite({ certificate: certificateFiles(join(folder, 'storage')) }),
    startSimulator({ rows: 40, now }),
    freePorts(1),
  ])
  simulator.keepSecret('partner-default-refresh-token', FIRST_TOKEN)
  behindMs = 0
  const certificates = `${certificate.certificate}\n${simulator.certificate}`
  trust({ certificate: certificates })
  await makeWhatTheTemplateMakes(azurite)
  const proxies = await startStorageProxies(azurite.connectionString, certificate)
  const callsOf = (service: keyof ServiceOrigins) => proxies[service].requests.map((each) => ({ ...each, service }))
  const trusted = join(folder, 'trusted.pem')
  await writeFile(trusted, certificates)
  const settingsOf = (name: SnapshotName) => ({
    ...templateSettings(name, port, proxies, simulator),
    ...standIns(simulator, trusted),
  })
  const hosts: HostProcess[] = []
  return {
    ...openSiteStorage(azurite),
    simulator,
    settings: settingsOf('defaults'),
    calls: () => [...callsOf('table'), ...callsOf('blob'), ...callsOf('queue')],
    async renew() {
      await hosts.at(-1)?.stop()
      await emptyStorage(azurite)
      await makeWhatTheTemplateMakes(azurite)
    },
    async start(app, changes, name = 'defaults') {
      await hosts.at(-1)?.stop()
      const peakFile = join(folder, `peak-${hosts.length}`)
      const env = { ...settingsOf(name), PEAK_MEMORY_FILE: peakFile, ...changes }
      const host = await runHost(app, env, { port, cwd: app })
      hosts.push(host)
      const headers = { 'x-functions-key': FUNCTION_KEY }
      return {
        ...host,
        peakMemoryMiB: async () => Number(await readFile(peakFile, 'utf8')) / 1024,
        ask: (route, method = 'GET') => fetch(`${host.origin}/api/${route}`, { method, headers }),
      }
    },
    async close() {
      await hosts.at(-1)?.stop()
      await proxies.close()
      await Promise.all([simulator.close(), azurite.stop()])
      await rm(folder, { recursive: true })
    },
  }
}

/** Containers and queues of the data account. Tables are the app's own. */
async function makeWhatTheTemplateMakes({ connectionString }: Azurite): Promise<void> {
  const named = (type: string) =>
    ofType('defaults', `Microsoft.Storage/storageAccounts/${type}`)
      .filter(({ name }) => name.startsWith('stdata'))
      .map(({ name }) => name.split('/').at(-1) ?? '')
  const blobs = BlobServiceClient.fromConnectionString(connectionString)
  for (const name of named('blobServices/containers')) await blobs.createContainer(name)
  const queues = QueueServiceClient.fromConnectionString(connectionString)
  for (const name of named('queueServices/queues')) await queues.createQueue(name)
}

/** The app settings of the template, where Azure's addresses are those of the stand-ins: with a slash at the end, as Azure gives them. */
function templateSettings(
  name: SnapshotName,
  port: number,
  { table, blob, queue }: StorageProxies,
  { keyVault }: Simulator,
): NodeJS.ProcessEnv {
  const known: NodeJS.ProcessEnv = {
    DataStorage__tableServiceUri: `${table.origin}/${ACCOUNT}/`,
    DataStorage__blobServiceUri: `${blob.origin}/${ACCOUNT}/`,
    DataStorage__queueServiceUri: `${queue.origin}/${ACCOUNT}/`,
    DataStorage__clientId: CLIENT_ID,
    KEY_VAULT_URL: `${keyVault}/`,
    CALLBACK_BASE_URL: `http://127.0.0.1:${port}/api/callback/`,
    // The platform resolves the reference before the app starts.
    CALLBACK_SECRET: 'what-the-platform-reads-from-the-vault-for-the-reference-72-characters-x',
  }
  const settings = appSettings(name)
  const filled = Object.entries(settings).map(([setting, value]) => [
    setting,
    // Only expressions are Azure's to know.
    value.startsWith('[') ? (known[setting] ?? value) : value,
  ])
  return { ...Object.fromEntries(filled), NODE_OPTIONS: nodeOptions(name) }
}

/** What the host gives to Node, and what the memory of an instance does: V8 allows its heap half of it, up to 4 GiB. */
function nodeOptions(name: SnapshotName): string {
  const own = appSettings(name).languageWorkers__node__arguments ?? ''
  return `${own} --max-old-space-size=${instanceMemoryMiB(name) / 2} --import ${PEAK_MEMORY}`.trim()
}

/** The memory that a snapshot gives an instance. */
export function instanceMemoryMiB(name: SnapshotName): number {
  const [site] = ofType(name, 'Microsoft.Web/sites')
  const config = site?.properties?.functionAppConfig as { scaleAndConcurrency: { instanceMemoryMB: number } }
  return config.scaleAndConcurrency.instanceMemoryMB
}

/** What is elsewhere than in Azure, and what the platform sets. */
function standIns({ baseUrl, authority, origin, identity }: Simulator, trusted: string): NodeJS.ProcessEnv {
  return {
    INSIGHTS_BASE_URL: `${baseUrl}/`,
    PARTNER_AUTHORITY_HOST: `${authority}/`,
    REPORT_DOWNLOAD_HOSTS: origin,
    NODE_EXTRA_CA_CERTS: trusted,
    IDENTITY_ENDPOINT: identity.endpoint,
    IDENTITY_HEADER: identity.header,
    WEBSITE_SITE_NAME: 'func-partner',
    WEBSITE_HOSTNAME: 'func-partner.azurewebsites.net',
    AZURE_FUNCTIONS_ENVIRONMENT: 'Production',
    LOCAL_FUNCTION_KEY: FUNCTION_KEY,
    // Ticks every second, and what is asked again is asked soon.
    PROVISION_SCHEDULE: '* * * * * *',
    SWEEP_SCHEDULE: '* * * * * *',
    POLL_EVERY: 'PT1S',
  }
}
