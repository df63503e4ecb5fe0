import { type Finding, problem, well } from '../../core/doctor.ts'
import { reasonOf } from '../../services/safe-text.ts'
import { silentAddress, statusOf } from '../../services/storage/errors.ts'

/** One service of the storage account. `run` creates, writes and deletes something in it. */
export type StorageProbe = {
  readonly service: 'table' | 'blob' | 'queue'
  readonly run: (signal: AbortSignal) => Promise<void>
}

const ROLES = {
  table: 'Storage Table Data Contributor',
  blob: 'Storage Blob Data Contributor',
  queue: 'Storage Queue Data Contributor',
} as const

/** Checks that the app can use each service of the storage account. */
export function checkStorage(probes: readonly StorageProbe[], limitMs: number): Promise<readonly Finding[]> {
  return Promise.all(probes.map((probe) => checkProbe(probe, limitMs)))
}

async function checkProbe({ service, run }: StorageProbe, limitMs: number): Promise<Finding> {
  try {
    await run(AbortSignal.timeout(limitMs))
    return well('storage', `${service} storage can be written and read`)
  } catch (error) {
    return unable(service, error)
  }
}

function unable(service: StorageProbe['service'], error: unknown): Finding {
  const status = statusOf(error)
  if (status === 401 || status === 403) {
    const remedy = `Give the identity the role ${ROLES[service]}, or correct the key in DataStorage.`
    return problem('storage', `${service} storage refuses an operation that the app needs (${status})`, remedy)
  }
  const reason = status === undefined ? reasonOf(error) : `status ${status}`
  const local = silentAddress(error)
  const remedy = local
    ? `Nothing runs at ${local} of this machine: "npm start" starts it, with the app.`
    : 'Check DataStorage, and check that the storage account and its network allow this machine.'
  return problem('storage', `${service} storage fails an operation that the app needs (${reason})`, remedy)
}
