/** The settings of the app when it runs on this machine. */

import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the simulator says of itself when it is ready. */
export type SimulatorAddress = {
  readonly baseUrl: string
  readonly origin: string
  readonly authority: string
  /** The file with the certificate of its HTTPS endpoint. */
  readonly certificate: string
}

/** Secrets of the runs on this machine. They are kept, so that callbacks of an earlier run stay valid. */
export type LocalSecrets = { readonly callbackSecret: string; readonly functionKey: string }

/** Reads the secrets of earlier runs, or makes them. */
export async function localSecrets(folder: string): Promise<LocalSecrets> {
  const file = join(folder, 'secrets.json')
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (known) return JSON.parse(known) as LocalSecrets
  const made = { callbackSecret: secret(), functionKey: secret() }
  await mkdir(folder, { recursive: true })
  await writeFile(file, JSON.stringify(made), { mode: 0o600 })
  return made
}

/** Settings that differ from the defaults, because nobody wants to wait on their own machine. */
export const LOCAL_PACE = {
  PROVISION_SCHEDULE: '*/2 * * * * *',
  SWEEP_SCHEDULE: '*/3 * * * * *',
  MAX_REPORTS_PER_HOUR: '600',
  ADOPT_AFTER: 'PT10S',
  LEASE: 'PT1M',
  POLL_EVERY: 'PT1S',
}

/** The environment of the app on this machine. Of the shell's own variables it gets only PATH. */
export function appEnvironment(
  port: number,
  storage: string,
  simulator: SimulatorAddress,
  { callbackSecret, functionKey }: LocalSecrets,
): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    LOCAL_FUNCTION_KEY: functionKey,
    DataStorage: storage,
    DEPLOYMENT_ID: 'local',
    INSIGHTS_BASE_URL: simulator.baseUrl,
    PARTNER_AUTH: 'refresh-token',
    PARTNER_AUTHORITY_HOST: simulator.authority,
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'local-app',
    PARTNER_REFRESH_TOKEN: 'local-refresh-token',
    CALLBACK_BASE_URL: `http://127.0.0.1:${port}/api/callback`,
    CALLBACK_SECRET: callbackSecret,
    REPORT_DOWNLOAD_HOSTS: simulator.origin,
    NODE_EXTRA_CA_CERTS: simulator.certificate,
    ...LOCAL_PACE,
  }
}

/** Writes the app's settings in the form of local.settings.json, for the commands. Only this user may read the file. */
export async function writeSettings(file: string, { PATH: _, ...values }: NodeJS.ProcessEnv): Promise<void> {
  await writeFile(file, JSON.stringify({ IsEncrypted: false, Values: values }, undefined, 2), { mode: 0o600 })
}

function secret(): string {
  return randomBytes(32).toString('base64url')
}
