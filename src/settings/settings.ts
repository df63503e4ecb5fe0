import { isFailure } from '../core/failures.ts'
import { DEFAULT_ACCOUNT } from '../core/feeds/feed.ts'
import type { PacingLimits } from '../core/plan/pacing.ts'
import { DEFAULT_DOWNLOAD_HOSTS, type DownloadHosts, hostProblem } from '../core/report/download-hosts.ts'
import { durationMilliseconds, parseDuration } from '../core/time/durations.ts'
import type { Storage } from '../services/storage/clients.ts'
import type { Environment } from './environment.ts'
import { signInOf } from './sign-in.ts'
import { storageSettings } from './storage.ts'

/** Everything the app reads from its environment, checked; durations in milliseconds. */
export type Settings = {
  readonly storage: Storage
  readonly insightsBaseUrl: string
  readonly tokenHeader: 'Authorization' | 'X-AadUserTicket'
  readonly authorityHost: string
  /** The `PARTNER_…` values as they stand; an account's sign-in is made of them when the feeds name it. */
  readonly partner: Environment
  /** Where the secrets of accounts are; absent: in the settings alone. */
  readonly keyVaultUrl: string | undefined
  /** Absent: no callbacks are asked for. */
  readonly callback: { readonly baseUrl: string; readonly secrets: readonly string[] } | undefined
  readonly downloadHosts: DownloadHosts
  readonly limits: PacingLimits
  readonly reportDeadline: number
  readonly adoptAfter: number
  readonly lease: number
  readonly pollEvery: number
  readonly maxTries: number
  readonly ingestTimeLimit: number
  readonly deleteReports: boolean
  readonly deployment: string
}

export type Problems = { readonly problems: readonly string[] }

const BASE_URL = 'https://api.partnercenter.microsoft.com/insights/v1/mpn'
const AUTHORITY = 'https://login.microsoftonline.com'

/** Shorter secrets can be guessed: HMAC-SHA256 wants 32 bytes, of which base64 makes 43 characters. */
const SECRET_LENGTH = 32

/** Reads all settings from the environment; gives every problem at once, each with the name of its setting. */
export function readSettings(env: Environment): Settings | Problems {
  const problems: string[] = []
  const read = reader(env, problems)
  const storage = storageSettings(env, problems)
  const perHour = env.INSIGHTS_BASE_URL?.includes('/cmp') ? 5 : 20
  const settings = {
    insightsBaseUrl: read.url('INSIGHTS_BASE_URL', BASE_URL),
    tokenHeader: read.oneOf('TOKEN_HEADER', ['Authorization', 'X-AadUserTicket'] as const),
    authorityHost: read.url('PARTNER_AUTHORITY_HOST', AUTHORITY),
    partner: Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('PARTNER_'))),
    keyVaultUrl: readVault(env, problems),
    callback: readCallback(env, problems),
    downloadHosts: readHosts(env, problems),
    limits: {
      maxInFlight: read.count('MAX_IN_FLIGHT', 10),
      maxReportsPerHour: read.count('MAX_REPORTS_PER_HOUR', perHour),
    },
    reportDeadline: read.duration('REPORT_DEADLINE', 'PT24H'),
    adoptAfter: read.duration('ADOPT_AFTER', 'PT5M'),
    lease: read.duration('LEASE', 'PT2M'),
    pollEvery: read.duration('POLL_EVERY', 'PT1M'),
    ingestTimeLimit: read.duration('INGEST_TIME_LIMIT', 'PT5M'),
    maxTries: read.count('MAX_TRIES', 3),
    deleteReports: read.oneOf('DELETE_REPORTS', ['true', 'false'] as const) === 'true',
    deployment: readDeployment(env, problems),
  }
  problems.push(...signInProblems(settings.partner, settings.keyVaultUrl), ...unresolved(env))
  return storage && problems.length === 0 ? { storage, ...settings } : { problems }
}

/** The default account must be complete, unless every account has settings of its own. */
function signInProblems(partner: Environment, keyVaultUrl: string | undefined): readonly string[] {
  if (Object.keys(partner).some((name) => name.includes('__'))) return []
  const signIn = signInOf(DEFAULT_ACCOUNT, {}, partner, AUTHORITY, { hasVault: keyVaultUrl !== undefined })
  return isFailure(signIn) ? [signIn.message] : []
}

/** A Key Vault reference that App Service could not resolve arrives as its own text. */
function unresolved(env: Environment): readonly string[] {
  const names = Object.keys(env).filter((name) => env[name]?.startsWith('@Microsoft.KeyVault('))
  return names.map((name) => `${name} is a Key Vault reference that was not resolved`)
}

function reader(env: Environment, problems: string[]) {
  return {
    url(name: string, fallback: string): string {
      const text = env[name] || fallback
      if (!URL.canParse(text)) problems.push(`${name} is not an address`)
      return text.replace(/\/+$/, '')
    },
    count(name: string, fallback: number): number {
      const text = env[name] || String(fallback)
      if (!/^[1-9]\d{0,5}$/.test(text)) problems.push(`${name} is "${text}": it takes a whole number from 1`)
      return Number(text)
    },
    duration(name: string, fallback: string): number {
      const duration = parseDuration(env[name] || fallback)
      if (!duration) problems.push(`${name} is "${env[name]}": it takes an ISO 8601 duration, such as ${fallback}`)
      return duration ? durationMilliseconds(duration) : 0
    },
    oneOf<T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
      const value = allowed.find((each) => each === (env[name] || allowed[0]))
      if (value === undefined) problems.push(`${name} is "${env[name]}": it takes ${allowed.join(' or ')}`)
      return value ?? allowed[0]
    },
  }
}

/** An empty CALLBACK_BASE_URL switches callbacks off; absent, the site's own address is used. */
function readCallback(env: Environment, problems: string[]): Settings['callback'] {
  if (env.CALLBACK_BASE_URL === '') return undefined
  const site = env.WEBSITE_HOSTNAME ? `https://${env.WEBSITE_HOSTNAME}/api/callback` : undefined
  const baseUrl = env.CALLBACK_BASE_URL ?? site
  const secrets = [env.CALLBACK_SECRET, env.CALLBACK_SECRET_PREVIOUS].flatMap((secret) => secret || [])
  if (!baseUrl || !URL.canParse(baseUrl)) {
    problems.push('CALLBACK_BASE_URL is missing or not an address (leave it empty to do without callbacks)')
  }
  if (!env.CALLBACK_SECRET) problems.push('CALLBACK_SECRET is missing')
  if (secrets.some((secret) => secret.length < SECRET_LENGTH)) {
    problems.push(`CALLBACK_SECRET and CALLBACK_SECRET_PREVIOUS take at least ${SECRET_LENGTH} characters`)
  }
  return { baseUrl: (baseUrl ?? '').replace(/\/+$/, ''), secrets }
}

/** Secrets travel over https alone, except to a stand-in on this machine. */
function readVault({ KEY_VAULT_URL: text }: Environment, problems: string[]): string | undefined {
  if (!text) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isLocal = url?.protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(url.hostname)
  if (url?.protocol === 'https:' || isLocal) return url?.origin
  problems.push('KEY_VAULT_URL is not an https address')
  return undefined
}

function readHosts(env: Environment, problems: string[]): DownloadHosts {
  const text = env.REPORT_DOWNLOAD_HOSTS
  if (!text) return DEFAULT_DOWNLOAD_HOSTS
  const hosts = text.split(',').map((host) => host.trim())
  for (const host of hosts) {
    const problem = hostProblem(host)
    if (problem) problems.push(`REPORT_DOWNLOAD_HOSTS: "${host}" ${problem}`)
  }
  return hosts
}

/** Keeps deployments apart at the service; without the setting, site and storage account decide. */
function readDeployment(env: Environment, problems: string[]): string {
  const fallback = (env.WEBSITE_SITE_NAME ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 12)
  const deployment = env.DEPLOYMENT_ID || fallback
  if (!/^[a-z0-9]{1,12}$/.test(deployment)) {
    problems.push('DEPLOYMENT_ID is missing or not 1 to 12 small letters and digits')
  }
  return deployment
}
