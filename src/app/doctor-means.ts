import { isFailure } from '../core/failures.ts'
import type { Account } from '../core/feeds/feed.ts'
import { pause } from '../services/retry.ts'
import { identityToken } from '../services/sign-in/by-identity.ts'
import { credentialExpiry } from '../services/sign-in/expiry.ts'
import { openKeyVault, VAULT_SCOPE } from '../services/sign-in/key-vault.ts'
import { storageClients } from '../services/storage/clients.ts'
import { probeContainer, probeQueue, probeTable } from '../services/storage/probe.ts'
import type { Settings } from '../settings/settings.ts'
import { signInOf, signInWarning } from '../settings/sign-in.ts'
import type { DoctorMeans } from '../steps/doctor/patient.ts'
import type { Services } from '../steps/services.ts'

/** Longer than any part takes that is well, in milliseconds. */
const LIMIT = 20_000

/** Gives the doctor what it looks at: the same storage, sign-ins and vault that the app uses. */
export function doctorMeans(settings: Settings, services: Services): DoctorMeans {
  const signIn = (name: string, account: Account) =>
    signInOf(name, account, settings.partner, settings.authorityHost, { hasVault: settings.keyVaultUrl !== undefined })
  const vault = openVault(settings, services)
  return {
    ...{
      services,
      insightsBaseUrl: settings.insightsBaseUrl,
      storage: storageProbes(settings, services),
      limit: LIMIT,
    },
    async expiry(name, account) {
      const found = signIn(name, account)
      return isFailure(found) ? found : credentialExpiry(found, vault)
    },
    signInWarning(name, account) {
      const found = signIn(name, account)
      return isFailure(found) ? undefined : signInWarning(found)
    },
  }
}

function openVault({ keyVaultUrl: url, storage }: Settings, { clock }: Services) {
  if (url === undefined) return undefined
  const clientId = storage.kind === 'identity' ? storage.clientId : undefined
  const token = () => identityToken(VAULT_SCOPE, clientId)
  return openKeyVault({ url, token, clock, retry: { random: Math.random, wait: pause } })
}

/** What is made for a look has a name of its own, so that two looks never meet. */
function storageProbes({ storage }: Settings, { newId }: Services): DoctorMeans['storage'] {
  const clients = storageClients(storage)
  const name = `doctor${newId().replaceAll('-', '')}`
  return [
    { service: 'table', run: (signal) => probeTable(clients.table(name), signal) },
    { service: 'blob', run: async (signal) => probeContainer(await clients.container(name), signal) },
    { service: 'queue', run: (signal) => probeQueue(clients.queue(name), signal) },
  ]
}
