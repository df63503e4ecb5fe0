import { addressProblem } from '../address.ts'
import { type Failure, failed } from '../failures.ts'

/** The hosts that reports can be downloaded from: host names, `*.suffix` patterns, or full origins. */
export type DownloadHosts = readonly string[]

/** Partner Insights gives links to Azure Blob Storage. This was seen in practice: the documents name no host. */
export const DEFAULT_DOWNLOAD_HOSTS: DownloadHosts = ['*.blob.core.windows.net']

/** Gives a failure if a link must not be followed. It names only the host, because the rest can be a secret. */
export function allowedLink(link: URL, hosts: DownloadHosts): Failure | undefined {
  if (hosts.some((host) => matches(link, host))) return undefined
  return failed(
    'link-refused',
    `download link leads to ${link.protocol}//${link.host}: to allow it, add it to REPORT_DOWNLOAD_HOSTS`,
  )
}

/** Gives the problem with an item of the setting, or undefined. Plain http is allowed for loopback only. */
export function hostProblem(host: string): string | undefined {
  if (!host.includes('://')) return /^(\*\.)?[a-z0-9.-]+(:\d+)?$/i.test(host) ? undefined : 'is not a host name'
  return addressProblem(host) ?? (new URL(host).origin === host.toLowerCase() ? undefined : 'is more than an origin')
}

function matches(link: URL, host: string): boolean {
  if (host.includes('://')) return link.origin === host.toLowerCase()
  if (link.protocol !== 'https:') return false
  if (host.startsWith('*.')) return link.host.endsWith(host.slice(1).toLowerCase())
  return link.host === host.toLowerCase()
}
