import { type Failure, failed } from '../../core/failures.ts'

/** How the app signs in to one account, a partner tenant. A secret that is absent is in the Key Vault. */
export type SignIn = {
  readonly name: string
  readonly authorityHost: string
  readonly tenantId: string
  readonly clientId: string
} & (
  | { readonly auth: 'refresh-token'; readonly refreshToken?: string; readonly clientSecret?: string }
  | { readonly auth: 'client-secret'; readonly clientSecret?: string }
  /** PEM text with the private key, or the path of such a file. */
  | { readonly auth: 'certificate'; readonly certificate?: string }
  /** The identity is a federated credential of the app registration; its id is needed when it is user-assigned. */
  | { readonly auth: 'managed-identity'; readonly identityClientId?: string }
  | { readonly auth: 'password'; readonly username: string; readonly password?: string }
)

/** The failure of a sign-in that was refused for a reason which no waiting changes. */
export function refusedSignIn({ name, auth }: Pick<SignIn, 'name' | 'auth'>, reason: string): Failure {
  const what = `sign-in of account ${name} with ${auth} was refused (${reason})`
  return failed('unauthorized', `${what}; check its PARTNER_… settings`)
}
