import { isFailure } from '../core/failures.ts'
import { type StorageClients, storageClients } from '../services/storage/clients.ts'
import { probeBlob, probeQueue, probeTable } from '../services/storage/probe.ts'
import type { Settings } from '../settings/settings.ts'
import { signInWarning } from '../settings/sign-in.ts'
import type { DoctorMeans } from '../steps/doctor/patient.ts'
import type { Services } from '../steps/services.ts'
import { accountSignIn } from './sign-in.ts'

/** A part that works takes less time than this. */
const LIMIT_MS = 20_000

/** Gives the doctor what it looks at: the same storage, sign-ins and Key Vault as the app uses. */
export function doctorMeans(
  settings: Settings,
  services: Services,
  storage = storageClients(settings.storage),
): DoctorMeans {
  return {
    services,
    insightsBaseUrl: settings.insightsBaseUrl,
    storage: storageProbes(storage, services),
    limitMs: LIMIT_MS,
    signIn(name, account) {
      const signIn = accountSignIn(settings, name, account)
      return isFailure(signIn) ? undefined : { auth: signIn.auth, warning: signInWarning(signIn) }
    },
  }
}

/** What a probe creates has a random name, so that two doctors at the same time do not meet. */
function storageProbes(clients: StorageClients, { newId }: Services): DoctorMeans['storage'] {
  const name = `doctor${newId().replaceAll('-', '')}`
  return [
    { service: 'table', run: (signal) => probeTable(clients.table(name), signal) },
    // No feed has a name with an underscore.
    {
      service: 'blob',
      run: async (signal) => probeBlob(await clients.container('reports'), `_doctor/${name}`, signal),
    },
    { service: 'queue', run: (signal) => probeQueue(clients.queue(name), signal) },
  ]
}
