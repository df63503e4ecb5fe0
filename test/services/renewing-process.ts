import { TableClient } from '@azure/data-tables'
import { isFailure } from '../../src/core/failures.ts'
import { NEVER } from '../../src/core/ledger/wake.ts'
import { openCredentials } from '../../src/services/sign-in/credentials.ts'
import { openKeyVault } from '../../src/services/sign-in/key-vault.ts'
import { openLedger } from '../../src/services/storage/ledger-table.ts'

/** One instance of the app, as far as it renews a token: told the time of a round, it answers with what it got. */
const { STORAGE = '', TABLE = '', VAULT = '', AUTHORITY = '', OWNER = '' } = process.env
let roundAt = 0
let startedAt = 0
const clock = () => new Date(roundAt + Date.now() - startedAt)
// Waits are shortened, not left out: whoever waits for a lease has to let the other one work.
const wait = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, Math.min(milliseconds / 50, 20)))
const retry = { random: Math.random, wait }
const ledger = openLedger(
  TableClient.fromConnectionString(STORAGE, TABLE, { allowInsecureConnection: true }),
  () => NEVER,
)
const vault = openKeyVault({ url: VAULT, token: async () => 'vault-token', clock, retry })
const warn = (message: string) => void process.send?.({ notice: message })
const signIn = {
  name: 'default',
  authorityHost: AUTHORITY,
  tenantId: 't',
  clientId: 'c',
  auth: 'refresh-token',
} as const
const credentials = openCredentials(signIn, clock, { vault, ledger, newId: () => OWNER, retry, warn })

process.on('message', (message: { readonly now: number }) => {
  roundAt = message.now
  startedAt = Date.now()
  credentials.token().then(
    (token) => process.send?.(isFailure(token) ? { failure: token.message } : { token }),
    (error: unknown) => process.send?.({ failure: `thrown: ${String(error)}` }),
  )
})
process.send?.({ ready: true })
