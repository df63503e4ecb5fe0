import { randomBytes } from 'node:crypto'
import { generate } from 'selfsigned'
import type { Simulator } from '../../local/simulator/simulator.ts'
import type { Canary } from '../setup/canaries.ts'

/** One name for each secret the operator of the test's deployment has, each unlike anything else in the run. */
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

/** Letters that change when they are percent-encoded or go through JSON are among those of a secret. */
function secret(): string {
  return `${randomBytes(24).toString('base64url')}+/~"${randomBytes(12).toString('base64url')}`
}

export async function plant(): Promise<Planted> {
  const secrets = Object.fromEntries(NAMES.map((name) => [name, secret()])) as Record<(typeof NAMES)[number], string>
  // Two that have to stand in an address, and one in a header.
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

/** What of the planted may never be found: of the certificate its key, line by line, for the rest is public. */
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
