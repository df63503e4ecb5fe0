import { type Failure, failed } from '../core/failures.ts'
import { type Account, DEFAULT_ACCOUNT } from '../core/feeds/feed.ts'
import type { SignIn } from '../services/sign-in/sign-in.ts'
import type { Environment } from './environment.ts'

/** What the app has besides an account's own settings. */
export type SignInMeans = {
  /** Secrets may then be in the Key Vault; whether they are shows when they are read. */
  readonly hasVault?: boolean
  /** Of the app's user-assigned identity. */
  readonly identityClientId?: string | undefined
}

/**
 * Makes the sign-in of an account from the `PARTNER_…` settings (with `__<ACCOUNT>` appended for any but `default`)
 * and from what feeds.json says of it. Gives `unauthorized`, naming every setting that is missing.
 */
export function signInOf(
  name: string,
  account: Account,
  partner: Environment,
  authorityHost: string,
  means: SignInMeans = {},
): SignIn | Failure {
  const reader = readerOf(name, partner, means)
  const auth = account.auth ?? reader.own('PARTNER_AUTH') ?? 'refresh-token'
  const common = {
    ...{ name, authorityHost },
    tenantId: account.tenantId ?? reader.need('PARTNER_TENANT_ID'),
    clientId: account.clientId ?? reader.need('PARTNER_CLIENT_ID'),
  }
  const signIn = complete(auth, common, reader, means)
  if (!signIn) {
    const what = `account ${name}: ${reader.setting('PARTNER_AUTH')} is "${auth}", not one this version knows`
    return failed('unauthorized', what)
  }
  const { missing } = reader
  return missing.length === 0 ? signIn : failed('unauthorized', `account ${name}: ${missing.join(', ')} missing`)
}

/** What a person should know of a sign-in that works. */
export function signInWarning({ name, auth }: SignIn): string | undefined {
  if (auth !== 'password') return undefined
  const what = `account ${name} signs in with user name and password, which multi-factor enforcement ends`
  return `${what}; set PARTNER_AUTH to refresh-token`
}

/** The name of an account's setting: that of `default` carries no suffix. */
export function settingOf(account: string, base: string): string {
  return account === DEFAULT_ACCOUNT ? base : `${base}__${account.toUpperCase().replace(/-/g, '_')}`
}

type Reader = ReturnType<typeof readerOf>

function readerOf(name: string, partner: Environment, { hasVault = false }: SignInMeans) {
  const missing: string[] = []
  const setting = (base: string) => settingOf(name, base)
  const own = (base: string) => partner[setting(base)] || undefined
  return {
    missing,
    setting,
    own,
    need(base: string): string {
      const value = own(base)
      if (!value) missing.push(setting(base))
      return value ?? ''
    },
    /** May be missing where there is a Key Vault. */
    secret(base: string): string | undefined {
      const value = own(base)
      if (!value && !hasVault) missing.push(setting(base))
      return value
    },
  }
}

type Common = Pick<SignIn, 'name' | 'authorityHost' | 'tenantId' | 'clientId'>

function complete(auth: string, common: Common, reader: Reader, means: SignInMeans): SignIn | undefined {
  const clientSecret = () => reader.secret('PARTNER_CLIENT_SECRET')
  if (auth === 'client-secret') return { ...common, auth, ...given({ clientSecret: clientSecret() }) }
  if (auth === 'certificate')
    return { ...common, auth, ...given({ certificate: reader.secret('PARTNER_CERTIFICATE') }) }
  if (auth === 'managed-identity') return { ...common, auth, ...given({ identityClientId: means.identityClientId }) }
  if (auth === 'password') {
    const username = reader.need('PARTNER_USERNAME')
    return { ...common, auth, username, ...given({ password: reader.secret('PARTNER_PASSWORD') }) }
  }
  if (auth !== 'refresh-token') return undefined
  const refreshToken = reader.secret('PARTNER_REFRESH_TOKEN')
  return { ...common, auth, ...given({ refreshToken, clientSecret: reader.own('PARTNER_CLIENT_SECRET') }) }
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>
}
