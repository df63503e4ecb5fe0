import type { Ledger } from '../storage/ledger-table.ts'

/** Longer than redeeming a token and storing the new one can take, in milliseconds. */
const LEASE = 120_000

/** Who renews the refresh token of an account, in its `token~` row. */
type LeaseRow = { readonly owner: string; readonly until: string }

export type LeaseOptions = {
  readonly ledger: Pick<Ledger, 'readApp' | 'writeApp'>
  readonly account: string
  readonly clock: () => Date
  readonly owner: string
}

export type TokenLease = {
  /** Whether it is still ours; asked right before the new token is stored. */
  confirm(): Promise<boolean>
  release(): Promise<void>
}

/** Takes the lease under which one instance stores an account's new refresh token; undefined while another has it. */
export async function takeTokenLease({ ledger, account, clock, owner }: LeaseOptions): Promise<TokenLease | undefined> {
  const key = `token~${account}`
  const until = (milliseconds: number): LeaseRow => ({
    owner,
    until: new Date(clock().getTime() + milliseconds).toISOString(),
  })
  const stored = await ledger.readApp<LeaseRow>(key)
  if (stored && Date.parse(stored.value.until) > clock().getTime()) return undefined
  const taken = await ledger.writeApp(key, until(LEASE), stored?.etag)
  if (!taken) return undefined
  let etag: string | undefined = taken.etag
  const write = async (milliseconds: number) => {
    const written = etag === undefined ? undefined : await ledger.writeApp(key, until(milliseconds), etag)
    etag = written?.etag
    return etag !== undefined
  }
  return { confirm: () => write(LEASE), release: async () => void (await write(0)) }
}
