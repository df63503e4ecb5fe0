import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { Problems } from '../src/core/problems.ts'
import type { Environment } from '../src/settings/environment.ts'
import { namesOtherAccount } from '../src/settings/sign-in.ts'

/** What azd keeps of an environment: the name, and the outputs of infra/main.bicep. */
export type AzdEnvironment = { readonly name: string; readonly outputs: Environment }

/** Each setting of a command, and the output of infra/main.bicep that it is. */
export const OUTPUT_OF_SETTING = {
  AZURE_TENANT_ID: 'AZURE_TENANT_ID',
  DataStorage__tableServiceUri: 'DATA_TABLE_URI',
  DataStorage__blobServiceUri: 'DATA_BLOB_URI',
  DataStorage__queueServiceUri: 'DATA_QUEUE_URI',
  DEPLOYMENT_ID: 'DEPLOYMENT_ID',
  INSIGHTS_BASE_URL: 'INSIGHTS_BASE_URL',
  KEY_VAULT_URL: 'KEY_VAULT_URL',
  PARTNER_AUTH: 'PARTNER_AUTH',
  PARTNER_CLIENT_ID: 'PARTNER_CLIENT_ID',
  PARTNER_TENANT_ID: 'PARTNER_TENANT_ID',
} as const

/** Settings that say which app, service or vault is meant. */
export const OF_AN_APP = /^(DataStorage|PARTNER_|CALLBACK_|KEY_VAULT_URL$|INSIGHTS_BASE_URL$|DEPLOYMENT_ID$)/

/** Whether azd keeps an environment of that name. */
export function hasAzdEnvironment(name: string): boolean {
  // A path would be a file of something else.
  return /^[\w()-][\w().-]*$/.test(name) && existsSync(envFile(name))
}

/**
 * Reads an environment of azd from the folder `.azure` of the project: the one of that name, else the one that
 * `AZURE_ENV_NAME` names, as for azd, else the default one. Undefined where azd keeps none of that name, or no default.
 */
export async function findAzdEnvironment(name?: string): Promise<AzdEnvironment | undefined> {
  const found = name ?? (process.env.AZURE_ENV_NAME || (await defaultName()))
  if (found === undefined) return undefined
  const text = await readFile(envFile(found), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : { name: found, outputs: parseEnv(text) }
}

/** Says which environment azd does not keep, where `findAzdEnvironment` without a name finds none. */
export async function missingEnvironment(): Promise<string> {
  const { AZURE_ENV_NAME: named } = process.env
  if (named) return `azd has no environment ${named} in this folder, which AZURE_ENV_NAME names: see "azd env list"`
  const gone = await defaultName()
  if (gone === undefined)
    return 'azd has no default environment in this folder: type "azd env list", or "azd up" to make one'
  return `azd has no environment ${gone} in this folder, which is its default: type "azd env list" and "azd env select <name>"`
}

function envFile(name: string): string {
  return join('.azure', name, '.env')
}

async function defaultName(): Promise<string | undefined> {
  const text = await readFile('.azure/config.json', 'utf8').catch(() => '{}')
  try {
    const { defaultEnvironment } = JSON.parse(text) as { defaultEnvironment?: unknown }
    return typeof defaultEnvironment === 'string' && defaultEnvironment !== '' ? defaultEnvironment : undefined
  } catch {
    return undefined
  }
}

/**
 * Gives the settings of a deployed app to a command: of `env` all but what is about an app, and the outputs, with what the
 * template tells of `extraAppSettings`, such as the ids of other accounts. The callback secret stays in the vault, so a report
 * that a command asks for is not called back: the sweep of the app looks.
 */
export function settingsOfAzd(
  environment: AzdEnvironment,
  env: Environment,
): { readonly values: Environment } | Problems {
  const { outputs } = environment
  const extra = extraSettings(outputs.EXTRA_APP_SETTINGS)
  const problem = whatIsMissing(environment)
  if (problem !== undefined) return { problems: [problem] }
  const others = Object.entries(env).filter(([setting]) => !OF_AN_APP.test(setting))
  const own = Object.entries(OUTPUT_OF_SETTING).map(([setting, output]) => [setting, outputs[output]])
  return { values: { ...Object.fromEntries(others), ...extra, ...Object.fromEntries(own), CALLBACK_BASE_URL: '' } }
}

/** What an environment lacks for a command to reach the app and its account, with what to type. */
function whatIsMissing({ name, outputs }: AzdEnvironment): string | undefined {
  const missing = ['DATA_TABLE_URI', 'DATA_BLOB_URI', 'DATA_QUEUE_URI', 'DEPLOYMENT_ID'].filter(
    (each) => !outputs[each],
  )
  if (missing.length > 0) {
    return `azd environment ${name} has no ${missing.join(', ')}: type "azd provision -e ${name}"`
  }
  const ids = missingIds(outputs)
  if (ids.length === 0) return undefined
  const set = ids.map((each) => `"azd env set ${each} <id> -e ${name}"`).join(', ')
  return `azd environment ${name} has no ${ids.join(', ')}: type ${set} and "azd provision -e ${name}"`
}

/** The ids of the default account that the outputs lack. As for the app itself: with other accounts it may do without. */
export function missingIds(outputs: Environment): readonly string[] {
  if (namesOtherAccount(extraSettings(outputs.EXTRA_APP_SETTINGS))) return []
  return ['PARTNER_TENANT_ID', 'PARTNER_CLIENT_ID'].filter((each) => !outputs[each])
}

/** Reads the output EXTRA_APP_SETTINGS: `NAME=value`, with semicolons in between. */
function extraSettings(text = ''): Environment {
  const pairs = text.split(';').filter((pair) => pair.includes('='))
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}
