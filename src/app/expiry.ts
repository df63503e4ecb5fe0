import { isFailure } from '../core/failures.ts'
import { credentialExpiry } from '../services/sign-in/expiry.ts'
import type { Settings } from '../settings/settings.ts'
import type { Services } from '../steps/services.ts'
import { accountSignIn, type CallMeans, openAppVault } from './sign-in.ts'

/** Says when what an account signs in with ends, as the settings and the Key Vault know it. */
export function openExpiry(settings: Settings, means: CallMeans): Services['expiry'] {
  const vault = openAppVault(settings, means)
  return async (name, account) => {
    const signIn = accountSignIn(settings, name, account)
    return isFailure(signIn) ? signIn : credentialExpiry(signIn, vault)
  }
}
