import { isLoopback } from '../../core/address.ts'

/** The HTTP status in an error of a storage client. Undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}

/** The identity that reaches storage is not there, or gives no token (the errors of @azure/identity, and one of MSAL). */
const WITHOUT_TOKEN =
  /^(CredentialUnavailableError|AuthenticationError|AuthenticationRequiredError|ManagedIdentityError)$/

/** Says in one line that storage does not answer, or does not let the app in. Undefined for any other error. */
export function storageProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (WITHOUT_TOKEN.test(error.name)) {
    return "the app's identity gives no token: check DataStorage__clientId and that the app has this identity"
  }
  const status = statusOf(error)
  if (status === 401 || status === 403) {
    return `DataStorage refuses the app (${status}): give its identity the roles on the storage account, and wait some minutes`
  }
  if (!('code' in error)) return undefined
  const code = String(error.code)
  if (!/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|REQUEST_SEND_ERROR)$/.test(code)) return undefined
  const local = silentAddress(error)
  const remedy = local
    ? `nothing runs at ${local} of this machine; "npm start" starts it, with the app`
    : 'check the setting and that the storage account is reachable'
  return `DataStorage does not answer (${code}): ${remedy}`
}

/**
 * Host and port of this machine at which nothing listened for the request of a storage client. Undefined for any other error,
 * and so for every error in Azure.
 */
export function silentAddress(error: unknown): string | undefined {
  const { code, request } = Object(error) as { readonly code?: unknown; readonly request?: { readonly url?: unknown } }
  const url = String(request?.url)
  if (code !== 'ECONNREFUSED' || !URL.canParse(url)) return undefined
  const { host, hostname } = new URL(url)
  return isLoopback(hostname) ? host : undefined
}
