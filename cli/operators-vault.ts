import { openVault } from '../src/app/sign-in.ts'
import { addressProblem } from '../src/core/address.ts'
import type { KeyVault } from '../src/services/sign-in/key-vault.ts'
import type { Environment } from '../src/settings/environment.ts'
import { openOperator } from './operator.ts'

/** Opens the Key Vault as whoever runs the command. Undefined where the settings name none, or no address that a secret may go to. */
export function operatorsVault(env: Environment): KeyVault | undefined {
  const { KEY_VAULT_URL: url } = env
  if (!url || addressProblem(url)) return undefined
  const operator = openOperator(undefined, env)
  const getToken = async (scope: string) => (await operator.getToken(scope))?.token ?? ''
  return openVault(url.replace(/\/+$/, ''), getToken, { clock: () => new Date(), random: Math.random })
}
