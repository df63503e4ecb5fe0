import { randomBytes } from 'node:crypto'
import { generate } from 'selfsigned'
import type { Simulator } from '../../local/simulator/simulator.ts'
import type { Canary } from '../setup/canaries.ts'

/** Every secret of the test's deployment, by its name. Each is unlike anything else in the run. */
export type Planted = Readonly<Record<(typeof NAMES)[number], string>>

const NAMES = [
  'PARTNER_REFRESH_TOKEN',
  'PARTNER_CLIENT_SECRET',
  'PARTNER_PASSWORD__APAC',
  'PARTNER_CERTIFICATE__LATAM',
  'CALLBACK_SECRET',
  'CALLBACK_SECRET_PREVIOUS',
  'LOCAL_FUNCTION_KEY',
  'vaultSecret',
  'refusedLink',
  'forgedToken',
] as const

/** A secret with characters that change in percent-encoding and in JSON. */
function secret(): string {
  return `${randomBytes(24).toString('base64url')}+/~"${randomBytes(12).toString('base64url')}`
}

export async function plant(): Promise<Planted> {
  const secrets = Object.fromEntries(NAMES.map((name) => [name, secret()])) as Record<(typeof NAMES)[number], string>
  // Two of these are part of an address, and one of a header.
  const plain = () => randomBytes(32).toString('base64url')
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'canary' }], { algorithm: 'sha256' })
  return {
    ...secrets,
    refusedLink: plain(),
    forgedToken: plain(),
    LOCAL_FUNCTION_KEY: plain(),
    PARTNER_CERTIFICATE__LATAM: `${key}\n${cert}`,
  }
}

/** The planted secrets as canaries. Of the certificate only the key is secret, which counts line by line. */
export function plantedCanaries(planted: Planted): readonly Canary[] {
  const { PARTNER_CERTIFICATE__LATAM: pem, ...rest } = planted
  const key = pem.slice(0, pem.indexOf('-----END')).split(/\r?\n/).slice(2, -1)
  const canaries = Object.entries(rest).map(([what, text]) => ({ what, text }))
  return [...canaries, ...key.filter((text) => text.length >= 32).map((text) => ({ what: 'private key', text }))]
}

/** The settings of five accounts, one for each way to sign in; the secret of `emea` is in the Key Vault alone. */
export function settingsOf(planted: Planted, simulator: Simulator, callbackOrigin: string): NodeJS.ProcessEnv {
  const { vaultSecret: _, refusedLink: __, forgedToken: ___, ...settings } = planted
  simulator.keepSecret('partner-emea-client-secret', planted.vaultSecret)
  return {
    ...settings,
    PARTNER_USERNAME__APAC: 'somebody@apac.example',
    ...Object.fromEntries(
      ['EMEA', 'APAC', 'LATAM', 'AFRICA'].flatMap((account) => [
        [`PARTNER_TENANT_ID__${account}`, `contoso-${account}`],
        [`PARTNER_CLIENT_ID__${account}`, `app-${account}`],
      ]),
    ),
    CALLBACK_BASE_URL: `${callbackOrigin}/api/callback`,
    KEY_VAULT_URL: simulator.keyVault,
    IDENTITY_ENDPOINT: simulator.identity.endpoint,
    IDENTITY_HEADER: simulator.identity.header,
  }
}
