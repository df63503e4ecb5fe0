import { HOSTS_KEY, type HostsRow } from '../../core/ledger/app-rows.ts'
import type { Services } from '../services.ts'

/** The service has a host for each of its regions. Of more, the oldest are forgotten, and told again. */
const MOST_HOSTS = 100

/** Tells, once for each host, that reports come from it. Where another instance notes one now, the next download tells. */
export async function noteHost({ ledger, emit }: Pick<Services, 'ledger' | 'emit'>, { host }: URL): Promise<void> {
  const stored = await ledger.readApp<HostsRow | undefined>(HOSTS_KEY)
  const known = stored?.value?.hosts
  const hosts = Array.isArray(known) ? known : []
  if (hosts.includes(host)) return
  const row: HostsRow = { hosts: [...hosts, host].slice(-MOST_HOSTS) }
  if (await ledger.writeApp(HOSTS_KEY, row, stored?.etag)) emit({ event: 'download.new-host', message: host })
}
