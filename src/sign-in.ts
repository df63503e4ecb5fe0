import { type Failure, failed } from './core/failures.ts'
import type { Account } from './core/feeds.ts'
import type { Environment } from './environment.ts'
import type { SignIn } from './services/credentials.ts'

/** The account whose settings carry no suffix. */
export const DEFAULT_ACCOUNT = 'default'

/**
 * Makes the sign-in of an account from the `PARTNER_…` settings (with `__<ACCOUNT>` appended for any but `default`)
 * and from what feeds.json says of it. Gives `unauthorized`, naming every setting that is missing.
 */
export function signInOf(
  name: string,
  account: Account,
  partner: Environment,
  authorityHost: string,
): SignIn | Failure {
  const setting = (base: string) =>
    name === DEFAULT_ACCOUNT ? base : `${base}__${name.toUpperCase().replace(/-/g, '_')}`
  const missing: string[] = []
  const need = (base: string, value = partner[setting(base)]): string => {
    if (!value) missing.push(setting(base))
    return value ?? ''
  }
  const auth = account.auth ?? partner[setting('PARTNER_AUTH')] ?? 'refresh-token'
  const common = {
    ...{ name, authorityHost },
    tenantId: need('PARTNER_TENANT_ID', account.tenantId ?? partner[setting('PARTNER_TENANT_ID')]),
    clientId: need('PARTNER_CLIENT_ID', account.clientId ?? partner[setting('PARTNER_CLIENT_ID')]),
  }
  const signIn = complete(auth, common, need, partner[setting('PARTNER_CLIENT_SECRET')])
  if (!signIn) {
    return failed(
      'unauthorized',
      `account ${name}: ${setting('PARTNER_AUTH')} is "${auth}", not one this version knows`,
    )
  }
  return missing.length === 0 ? signIn : failed('unauthorized', `account ${name}: ${missing.join(', ')} missing`)
}

type Common = {
  readonly name: string
  readonly authorityHost: string
  readonly tenantId: string
  readonly clientId: string
}

function complete(
  auth: string,
  common: Common,
  need: (base: string) => string,
  clientSecret: string | undefined,
): SignIn | undefined {
  if (auth === 'client-secret') return { ...common, auth, clientSecret: need('PARTNER_CLIENT_SECRET') }
  if (auth !== 'refresh-token') return undefined
  return { ...common, auth, refreshToken: need('PARTNER_REFRESH_TOKEN'), ...(clientSecret && { clientSecret }) }
}
