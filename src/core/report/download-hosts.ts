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
  if (!host.includes('://')) return nameProblem(host.toLowerCase())
  return addressProblem(host) ?? (new URL(host).origin === host.toLowerCase() ? undefined : 'is more than an origin')
}

const HOST_NAME = /^(?:\*\.)?[a-z0-9.-]{1,253}(?::\d{1,5})?$/

/** Names under which a country lets anybody register, as in `co.uk`. */
const OPEN_TO_ALL = ['ac', 'co', 'com', 'edu', 'gob', 'gov', 'gv', 'mil', 'ne', 'net', 'nom', 'or', 'org', 'sch']

/**
 * What is wrong with a host name or a pattern. A pattern such as `*.com` or `*.co.uk` would trust whoever registers a name.
 * The list of such names on the internet is long and changes, so only these forms are known here.
 */
function nameProblem(host: string): string | undefined {
  const [name = ''] = host.replace('*.', '').split(':')
  const labels = name.split('.')
  if (!HOST_NAME.test(host) || labels.some((label) => label === '' || label.startsWith('-')))
    return 'is not a host name'
  if (!host.startsWith('*.')) return undefined
  const [before = '', last = ''] = labels.slice(-2)
  const isOpen = labels.length === 2 && last.length === 2 && OPEN_TO_ALL.includes(before)
  return labels.length < 2 || isOpen ? 'stands for everything that anybody registers: name more of the host' : undefined
}

function matches(link: URL, host: string): boolean {
  if (host.includes('://')) return link.origin === host.toLowerCase()
  if (link.protocol !== 'https:') return false
  if (host.startsWith('*.')) return link.host.endsWith(host.slice(1).toLowerCase())
  return link.host === host.toLowerCase()
}
