import { type TokenLeaseRow, tokenRowKey } from '../../core/ledger/app-rows.ts'
import type { Ledger } from '../storage/ledger.ts'

/** Redeeming a token and storing the new one takes less time than this. */
const LEASE_MS = 120_000

export type LeaseOptions = {
  readonly ledger: Pick<Ledger, 'readApp' | 'writeApp'>
  readonly account: string
  readonly clock: () => Date
  readonly owner: string
}

export type TokenLease = {
  /** Extends the lease. False where another instance has it by now. */
  extend(): Promise<boolean>
  release(): Promise<void>
}

/**
 * Takes the lease under which one instance stores an account's new refresh token. Undefined while another instance has
 * it.
 */
export async function takeTokenLease({ ledger, account, clock, owner }: LeaseOptions): Promise<TokenLease | undefined> {
  const key = tokenRowKey(account)
  const rowFor = (milliseconds: number): TokenLeaseRow => ({
    owner,
    until: new Date(clock().getTime() + milliseconds).toISOString(),
  })
  const stored = await ledger.readApp<TokenLeaseRow>(key)
  if (stored && Date.parse(stored.value.until) > clock().getTime()) return undefined
  const taken = await ledger.writeApp(key, rowFor(LEASE_MS), stored?.etag)
  if (!taken) return undefined
  let etag: string | undefined = taken.etag
  const write = async (milliseconds: number) => {
    const written = etag === undefined ? undefined : await ledger.writeApp(key, rowFor(milliseconds), etag)
    etag = written?.etag
    return etag !== undefined
  }
  return { extend: () => write(LEASE_MS), release: async () => void (await write(0)) }
}
