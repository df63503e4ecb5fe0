import { addressProblem, isLoopback } from '../core/address.ts'
import { isFailure } from '../core/failures.ts'
import { DEFAULT_ACCOUNT, DEFAULT_AUTH } from '../core/feeds/feed.ts'
import type { PacingLimits } from '../core/plan/pacing.ts'
import type { Problems } from '../core/problems.ts'
import { DEFAULT_DOWNLOAD_HOSTS, type DownloadHosts, hostProblem } from '../core/report/download-hosts.ts'
import type { Periods } from '../core/status/timers.ts'
import { MINUTE_MS } from '../core/time/durations.ts'
import type { StorageConnection } from '../services/storage/clients.ts'
import { type Environment, environmentReader } from './environment.ts'
import { timerPeriods } from './schedules.ts'
import { DEFAULT_AUTHORITY, namesOtherAccount, signInOf } from './sign-in.ts'
import { storageSettings } from './storage.ts'

/** The settings that the steps act by. */
export type StepSettings = {
  readonly limits: PacingLimits
  readonly reportDeadlineMs: number
  readonly adoptAfterMs: number
  readonly leaseMs: number
  readonly pollEveryMs: number
  readonly maxTries: number
  readonly ingestTimeLimitMs: number
  readonly maxReportBytes: number
  readonly deleteReports: boolean
  readonly deployment: string
  /** The longest time between two ticks of each timer, by its schedule, in milliseconds. */
  readonly periods: Periods
  /** Undefined: the app asks for no callbacks. */
  readonly callback: { readonly baseUrl: string; readonly secrets: readonly string[] } | undefined
  readonly downloadHosts: DownloadHosts
  /** The tenants that the settings name, by account. */
  readonly tenants: Readonly<Record<string, string>>
  /** How accounts sign in, as far as the settings say it, by account. */
  readonly auths: Readonly<Record<string, string>>
}

/** Everything the app reads from its environment, checked. */
export type Settings = StepSettings & {
  readonly storage: StorageConnection
  readonly insightsBaseUrl: string
  readonly tokenHeader: 'Authorization' | 'X-AadUserTicket'
  readonly authorityHost: string
  /** The `PARTNER_…` values as they are; the sign-in of an account is made from them when a feed names the account. */
  readonly partner: Environment
  /** Where the secrets of accounts are. Undefined: in the settings alone. */
  readonly keyVaultUrl: string | undefined
}

const BASE_URL = 'https://api.partnercenter.microsoft.com/insights/v1/mpn'

/** 10 GiB: more than any report that was seen, and less than what one blob of the archive can hold (about 195 GiB). */
const MAX_REPORT_BYTES = 10 * 1024 ** 3

/** The service documents no quota for `/mpn`: this leaves room for other tools of the same account. */
export const DEFAULT_REPORTS_PER_HOUR = 20

/** Leaves a run of `ingest` five minutes to end in: at functionTimeout of host.json, the host ends it. */
const MOST_INGEST_MS = 15 * MINUTE_MS

/** Shorter secrets can be guessed: HMAC-SHA256 wants 32 bytes, of which base64 makes 43 characters. */
const SECRET_LENGTH = 32

/** A secret of fewer different characters is a word over and over, or a key held down. */
const SECRET_VARIETY = 16

/** The callback secret of local.settings.sample.json, which everybody can read. */
const SAMPLE_SECRET = 'the secret of the sample, good on this machine alone'

/**
 * Reads all settings from the environment, or gives everything that is wrong with them. No problem contains a secret.
 */
export function readSettings(env: Environment): Settings | Problems {
  const problems: string[] = []
  const read = environmentReader(env, problems)
  const storage = storageSettings(env, problems)
  const settings: Omit<Settings, 'storage'> = {
    insightsBaseUrl: read.url('INSIGHTS_BASE_URL', BASE_URL),
    tokenHeader: read.oneOf('TOKEN_HEADER', ['Authorization', 'X-AadUserTicket'] as const),
    authorityHost: read.url('PARTNER_AUTHORITY_HOST', DEFAULT_AUTHORITY),
    partner: Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('PARTNER_'))),
    keyVaultUrl: env.KEY_VAULT_URL ? read.url('KEY_VAULT_URL', '') : undefined,
    callback: readCallback(env, problems),
    downloadHosts: readHosts(env, problems),
    tenants: byAccount(env, 'PARTNER_TENANT_ID'),
    auths: { [DEFAULT_ACCOUNT]: DEFAULT_AUTH, ...byAccount(env, 'PARTNER_AUTH') },
    limits: {
      maxInFlight: read.count('MAX_IN_FLIGHT', 10),
      maxReportsPerHour: reportsPerHour(env, problems),
    },
    reportDeadlineMs: read.durationMs('REPORT_DEADLINE', 'PT24H'),
    adoptAfterMs: read.durationMs('ADOPT_AFTER', 'PT5M'),
    leaseMs: read.durationMs('LEASE', 'PT2M'),
    pollEveryMs: read.durationMs('POLL_EVERY', 'PT1M'),
    ingestTimeLimitMs: ingestTimeLimit(env, problems),
    maxReportBytes: read.bytes('MAX_REPORT_BYTES', MAX_REPORT_BYTES),
    maxTries: read.count('MAX_TRIES', 3),
    deleteReports: read.oneOf('DELETE_REPORTS', ['true', 'false'] as const) === 'true',
    deployment: readDeployment(env, problems),
    periods: timerPeriods(env, problems),
  }
  problems.push(...signInProblems(settings.partner, settings.keyVaultUrl), ...unresolvedReferences(env))
  return storage && problems.length === 0 ? { ...settings, storage } : { problems }
}

/** How many reports one account asks for in an hour. The documented quota of the service for indirect providers, `/cmp`, is lower. */
export function reportsPerHour(env: Environment, problems: string[]): number {
  const fallback = env.INSIGHTS_BASE_URL?.includes('/cmp') ? 5 : DEFAULT_REPORTS_PER_HOUR
  return environmentReader(env, problems).count('MAX_REPORTS_PER_HOUR', fallback)
}

function ingestTimeLimit(env: Environment, problems: string[]): number {
  const limit = environmentReader(env, problems).durationMs('INGEST_TIME_LIMIT', 'PT5M')
  if (limit > MOST_INGEST_MS) {
    problems.push(
      `INGEST_TIME_LIMIT is "${env.INGEST_TIME_LIMIT}": it takes at most PT15M, since the host ends longer runs`,
    )
  }
  return limit
}

/** The default account must be complete, unless there are settings of other accounts. */
function signInProblems(partner: Environment, keyVaultUrl: string | undefined): readonly string[] {
  if (namesOtherAccount(partner)) return []
  const settings = { partner, authorityHost: DEFAULT_AUTHORITY, hasVault: keyVaultUrl !== undefined }
  const signIn = signInOf(DEFAULT_ACCOUNT, {}, settings)
  return isFailure(signIn) ? [signIn.message] : []
}

/** App Service passes on the text of a Key Vault reference that it could not resolve. */
function unresolvedReferences(env: Environment): readonly string[] {
  const names = Object.keys(env).filter((name) => /^\s*@Microsoft\.KeyVault\(/i.test(env[name] ?? ''))
  return names.map((name) => `${name} is a Key Vault reference that was not resolved`)
}

/**
 * `off` switches callbacks off. So does an empty value, but the host in Azure hands no empty variable on. Without the setting, the
 * site's own address is used.
 */
function readCallback(env: Environment, problems: string[]): Settings['callback'] {
  if (env.CALLBACK_BASE_URL === '' || env.CALLBACK_BASE_URL === 'off') return undefined
  const site = env.WEBSITE_HOSTNAME ? `https://${env.WEBSITE_HOSTNAME}/api/callback` : undefined
  const baseUrl = env.CALLBACK_BASE_URL ?? site ?? ''
  const problem = baseUrl === '' ? 'is missing' : addressProblem(baseUrl)
  if (problem) problems.push(`CALLBACK_BASE_URL ${problem} ("off" does without callbacks)`)
  if (!env.CALLBACK_SECRET) problems.push('CALLBACK_SECRET is missing')
  const isLocal = !problem && isLoopback(new URL(baseUrl).hostname)
  const secrets = (['CALLBACK_SECRET', 'CALLBACK_SECRET_PREVIOUS'] as const).flatMap((name) => {
    const secret = env[name]
    if (!secret) return []
    const weakness = weaknessOf(secret, isLocal)
    if (weakness) problems.push(`${name} ${weakness}`)
    return secret
  })
  return { baseUrl: baseUrl.replace(/\/+$/, ''), secrets }
}

/** Why a callback secret can be guessed; undefined where it cannot. The sample's is good enough on this machine. */
function weaknessOf(secret: string, isLocal: boolean): string | undefined {
  if (secret.length < SECRET_LENGTH) return `takes at least ${SECRET_LENGTH} characters`
  if (new Set(secret).size < SECRET_VARIETY) return `takes at least ${SECRET_VARIETY} different characters`
  const isSample = secret === SAMPLE_SECRET && !isLocal
  return isSample ? 'is that of the sample, which everybody knows: make one of your own' : undefined
}

function readHosts({ REPORT_DOWNLOAD_HOSTS: text }: Environment, problems: string[]): DownloadHosts {
  if (!text) return DEFAULT_DOWNLOAD_HOSTS
  const hosts = text.split(',').map((host) => host.trim())
  hosts.forEach((host, index) => {
    const problem = hostProblem(host)
    // What stands there may hold a password or a signature.
    if (problem) problems.push(`REPORT_DOWNLOAD_HOSTS: item ${index + 1} ${problem}`)
  })
  return hosts
}

/** The values of a setting, by the account that the end of its name stands for. */
function byAccount(env: Environment, base: string): Readonly<Record<string, string>> {
  const entries = Object.entries(env).flatMap(([setting, value]): [string, string][] => {
    const [name, account = DEFAULT_ACCOUNT] = setting.split('__')
    return name === base && value ? [[account.toLowerCase(), value]] : []
  })
  return Object.fromEntries(entries)
}

/** Tells deployments apart at the service. Without the setting, the name is made from the site's. */
function readDeployment(env: Environment, problems: string[]): string {
  const fallback = (env.WEBSITE_SITE_NAME ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 12)
  const deployment = env.DEPLOYMENT_ID || fallback
  if (!/^[a-z0-9]{1,12}$/.test(deployment)) {
    problems.push('DEPLOYMENT_ID is missing, or is not 1 to 12 lower-case letters and digits')
  }
  return deployment
}
