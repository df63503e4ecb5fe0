/** Starts Azurite, the storage emulator. */

import type { ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { freePorts, hasEnded, isPortFree, startNode, stopProcess, waitUntil } from './processes.ts'

export type StoragePorts = { readonly blob: number; readonly queue: number; readonly table: number }

export type Azurite = {
  readonly connectionString: string
  readonly ports: StoragePorts
  readonly pid: number
  /** Ends the process in order, so that it writes its data to its folder, and waits until it is gone. */
  stop(): Promise<void>
}

type AzuriteOptions = {
  /** The folder for the data. Without it everything stays in memory. */
  readonly location?: string
  /** Free ports when left out. */
  readonly ports?: StoragePorts
  /** Files of `keepCertificate`. With them it speaks https, and takes tokens of Entra beside its key, unsigned ones too. */
  readonly certificate?: CertificateFiles
}

type CertificateFiles = { readonly certificate: string; readonly key: string }

/** Where an Azurite listens and keeps its data. */
type Start = Omit<AzuriteOptions, 'ports'> & { readonly ports: StoragePorts }

/** Every Azurite has this account and key. They are no secret (Azurite's README, "Default Storage Account"). */
const ACCOUNT = 'devstoreaccount1'
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

/** How often a start on free ports is tried: another process may take a port before Azurite listens on it. */
const STARTS = 3

/**
 * Starts Azurite, Microsoft's storage emulator, as a process of its own on 127.0.0.1. Resolves once blob, queue and table
 * answer. Throws one line when a port is in use or the process ends before it is ready.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const { location, ports } = options
  if (location) await mkdir(location, { recursive: true })
  if (ports) {
    for (const [service, port] of Object.entries(ports)) {
      if (await isPortFree(port)) continue
      throw new Error(`Port ${port} (${service} storage) is in use: stop what listens there`)
    }
    return startOn({ ...options, ports })
  }
  for (let start = 1; start < STARTS; start += 1) {
    const azurite = await startOn({ ...options, ports: await chooseFree() }).catch(() => undefined)
    if (azurite) return azurite
  }
  return startOn({ ...options, ports: await chooseFree() })
}

/** The connection string of an Azurite on these ports, or of proxies that stand before it. */
export function storageConnectionString(ports: StoragePorts, protocol: 'http' | 'https' = 'http'): string {
  const endpoint = (service: string, port: number) => `${service}Endpoint=${protocol}://127.0.0.1:${port}/${ACCOUNT}`
  return [
    `DefaultEndpointsProtocol=${protocol}`,
    `AccountName=${ACCOUNT}`,
    `AccountKey=${ACCOUNT_KEY}`,
    endpoint('Blob', ports.blob),
    endpoint('Queue', ports.queue),
    endpoint('Table', ports.table),
  ].join(';')
}

async function startOn(start: Start): Promise<Azurite> {
  const { ports } = start
  const child = startNode(azuriteArguments(start))
  const failure = await waitUntilReady(child, ports)
  if (failure || child.pid === undefined) {
    await stopProcess(child)
    throw failure ?? new Error('Azurite could not be started')
  }
  const connectionString = storageConnectionString(ports, start.certificate ? 'https' : 'http')
  return { connectionString, ports, pid: child.pid, stop: () => stopProcess(child) }
}

async function waitUntilReady(child: ChildProcess, { blob, queue, table }: StoragePorts): Promise<Error | undefined> {
  try {
    for (const port of [blob, queue, table]) {
      await waitUntil(`Azurite answers on port ${port}`, async () => hasEnded(child) || (await answers(port)))
    }
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
  return hasEnded(child) ? new Error(`Azurite ended while it started on ports ${blob}, ${queue}, ${table}`) : undefined
}

function azuriteArguments({ ports, location, certificate }: Start): string[] {
  const { blob, queue, table } = ports
  const script = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js')
  const hosts = ['--blobHost', '127.0.0.1', '--queueHost', '127.0.0.1', '--tableHost', '127.0.0.1']
  const listen = ['--blobPort', `${blob}`, '--queuePort', `${queue}`, '--tablePort', `${table}`]
  const saves = ['--import', new URL('./azurite-saves.ts', import.meta.url).href]
  const keep = location ? ['--location', location] : ['--inMemoryPersistence']
  const secure = certificate ? ['--oauth', 'basic', '--cert', certificate.certificate, '--key', certificate.key] : []
  return [...saves, script, '--silent', '--disableTelemetry', ...hosts, ...listen, ...keep, ...secure]
}

async function chooseFree(): Promise<StoragePorts> {
  const [blob = 0, queue = 0, table = 0] = await freePorts(3)
  return { blob, queue, table }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => settle(true)).once('error', () => settle(false))
    function settle(answered: boolean) {
      socket.destroy()
      resolve(answered)
    }
  })
}
