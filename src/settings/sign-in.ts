import { type Failure, failed } from '../core/failures.ts'
import { type Account, DEFAULT_ACCOUNT, DEFAULT_AUTH } from '../core/feeds/feed.ts'
import { TENANT } from '../core/feeds/fields.ts'
import { present } from '../core/present.ts'
import type { SignIn } from '../services/sign-in/sign-in.ts'
import type { Environment } from './environment.ts'

/** The authority of the public cloud, where `PARTNER_AUTHORITY_HOST` names no other. */
export const DEFAULT_AUTHORITY = 'https://login.microsoftonline.com'

/** What the sign-ins of all accounts are made from. */
export type SignInSettings = {
  /** The `PARTNER_…` values as they are. */
  readonly partner: Environment
  readonly authorityHost: string
  /** A secret that is missing in the settings may be in the Key Vault. Whether it is there shows when it is read. */
  readonly hasVault: boolean
  /** The client id of the app's user-assigned identity. */
  readonly identityClientId?: string | undefined
}

/**
 * Makes the sign-in of an account from its `PARTNER_…` settings and from what feeds.json says about it. The names of
 * the settings end in `__<ACCOUNT>`, except those of `default`. The failure is `unauthorized` and names every setting
 * that is missing, or the tenant that can be none.
 */
export function signInOf(name: string, account: Account, settings: SignInSettings): SignIn | Failure {
  const reader = accountReader(name, settings)
  const auth = account.auth ?? reader.own('PARTNER_AUTH') ?? DEFAULT_AUTH
  const client = {
    name,
    authorityHost: settings.authorityHost,
    tenantId: account.tenantId ?? reader.need('PARTNER_TENANT_ID'),
    clientId: account.clientId ?? reader.need('PARTNER_CLIENT_ID'),
  }
  const signIn = addSecrets(client, auth, reader, settings.identityClientId)
  if (!signIn) {
    const setting = settingOf(name, 'PARTNER_AUTH')
    return failed('unauthorized', `account ${name}: ${setting} is "${auth}", not one this version knows`)
  }
  const { missing } = reader
  if (missing.length > 0) return failed('unauthorized', `account ${name}: ${missing.join(', ')} missing`)
  if (TENANT.test(client.tenantId)) return signIn
  const where = account.tenantId === undefined ? settingOf(name, 'PARTNER_TENANT_ID') : 'tenantId'
  return failed('unauthorized', `account ${name}: ${where} is not the id or domain of a tenant`)
}

/** What a person should know about a sign-in that works. */
export function signInWarning({ name, auth }: SignIn): string | undefined {
  if (auth !== 'password') return undefined
  const what = `account ${name} signs in with user name and password, which stops working when multi-factor is enforced`
  return `${what}; set PARTNER_AUTH to refresh-token`
}

/** The name of an account's setting. The settings of `default` have no suffix. */
export function settingOf(account: string, base: string): string {
  return account === DEFAULT_ACCOUNT ? base : `${base}__${account.toUpperCase().replace(/-/g, '_')}`
}

/** The settings of a sign-in that other accounts than `default` have too, with the name of the account at their end. */
const OF_OTHER_ACCOUNT =
  /^PARTNER_(AUTH|TENANT_ID|CLIENT_ID|REFRESH_TOKEN|CLIENT_SECRET|CERTIFICATE|USERNAME|PASSWORD)__[A-Z][A-Z0-9]*$/i

/** Whether settings name another account than `default`: then that one need not be complete. */
export function namesOtherAccount(env: Environment): boolean {
  return Object.entries(env).some(([name, value]) => value && OF_OTHER_ACCOUNT.test(name))
}

type AccountReader = ReturnType<typeof accountReader>

/** Reads the settings of one account and collects the names of those that are missing. */
function accountReader(account: string, { partner, hasVault }: SignInSettings) {
  const missing: string[] = []
  const own = (base: string) => partner[settingOf(account, base)] || undefined
  return {
    missing,
    own,
    need(base: string): string {
      const value = own(base)
      if (!value) missing.push(settingOf(account, base))
      return value ?? ''
    },
    secret(base: string): string | undefined {
      const value = own(base)
      if (!value && !hasVault) missing.push(settingOf(account, base))
      return value
    },
  }
}

/** Adds what a way to sign in needs; undefined for a way that does not exist. */
function addSecrets(
  client: Pick<SignIn, 'name' | 'authorityHost' | 'tenantId' | 'clientId'>,
  auth: string,
  { own, need, secret }: AccountReader,
  identityClientId: string | undefined,
): SignIn | undefined {
  switch (auth) {
    case 'refresh-token': {
      const refreshToken = secret('PARTNER_REFRESH_TOKEN')
      return present<SignIn>({ ...client, auth, refreshToken, clientSecret: own('PARTNER_CLIENT_SECRET') })
    }
    case 'client-secret':
      return present<SignIn>({ ...client, auth, clientSecret: secret('PARTNER_CLIENT_SECRET') })
    case 'certificate':
      return present<SignIn>({ ...client, auth, certificate: secret('PARTNER_CERTIFICATE') })
    case 'managed-identity':
      return present<SignIn>({ ...client, auth, identityClientId })
    case 'password': {
      const username = need('PARTNER_USERNAME')
      return present<SignIn>({ ...client, auth, username, password: secret('PARTNER_PASSWORD') })
    }
    default:
      return undefined
  }
}
