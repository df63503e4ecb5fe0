import { readFile, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CATALOG } from '../../src/core/catalog.ts'
import { type Failure, isFailure } from '../../src/core/failures.ts'
import type { Account } from '../../src/core/feeds/feed.ts'
import { DEFAULT_ACCOUNT } from '../../src/core/feeds/feed.ts'
import { parseFeeds } from '../../src/core/feeds/feeds.ts'
import type { KeyVault } from '../../src/services/sign-in/key-vault.ts'
import { findSecret, type RefreshSignIn, vaultName } from '../../src/services/sign-in/sign-in.ts'
import { exchangeCode, type TokenAnswer } from '../../src/services/sign-in/token-request.ts'
import type { Environment } from '../../src/settings/environment.ts'
import { DEFAULT_AUTHORITY, settingOf, signInOf } from '../../src/settings/sign-in.ts'
import { addCommand } from '../command.ts'
import { type CommonOptions, readEnvironment } from '../context.ts'
import { operatorsVault } from '../operators-vault.ts'
import { done, type Outcome, print, refused } from '../output.ts'
import { listenForSignIn } from '../sign-in-listener.ts'

type Options = CommonOptions & { readonly account: string; readonly local?: true }

/** The first sign-in, in a browser, with every factor the account asks for; what it gives is stored, and never shown. */
export function addConsent(program: Command): void {
  addCommand(program, 'consent', 'sign in once in a browser and store what the app needs to go on')
    .option('--account <name>', 'which sign-in', DEFAULT_ACCOUNT)
    .option('--local', 'store it in the settings file, where there is no Key Vault')
    .action((options: Options) => print(options, () => consent(options)))
}

async function consent(options: Options): Promise<Outcome> {
  const env = await readEnvironment(options)
  if ('problems' in env) return refused(env.problems)
  const vault = options.local ? undefined : operatorsVault(env.values)
  const store = vault ? inVault(vault, options.account) : inFile(options)
  if (!store) return refused(['nowhere to store the token: set KEY_VAULT_URL (https), or give --local'], 2)
  const signIn = await readSignIn(env.values, options)
  if ('problem' in signIn) return refused([signIn.problem])
  const token = await signInByBrowser(signIn, vault)
  if ('problem' in token) return refused([token.problem])
  const problem = await store.keep(token.refreshToken)
  if (problem !== undefined) return refused([problem])
  return done({ account: signIn.name, storedIn: store.place }, [`account ${signIn.name}: stored in ${store.place}`])
}

type Store = { readonly place: string; readonly keep: (token: string) => Promise<string | undefined> }

function inFile({ account, settings = 'local.settings.json', local }: Options): Store | undefined {
  if (!local) return undefined
  return { place: settings, keep: (token) => keepInFile(settings, settingOf(account, 'PARTNER_REFRESH_TOKEN'), token) }
}

function inVault(vault: KeyVault, account: string): Store {
  const name = vaultName(account, 'refresh-token')
  return { place: `Key Vault secret ${name}`, keep: async (token) => (await vault.set(name, token))?.message }
}

async function keepInFile(file: string, setting: string, token: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '{ "IsEncrypted": false, "Values": {} }')
  const content = JSON.parse(text) as { Values?: Record<string, string> }
  const changed = { ...content, Values: { ...content.Values, [setting]: token } }
  await writeFile(file, `${JSON.stringify(changed, undefined, 2)}\n`, { mode: 0o600 })
  return undefined
}

/** There is no refresh token yet: of the settings only those are needed that say who signs in where. */
async function readSignIn(env: Environment, { account, feeds }: Options): Promise<RefreshSignIn | { problem: string }> {
  const authorityHost = (env.PARTNER_AUTHORITY_HOST || DEFAULT_AUTHORITY).replace(/\/+$/, '')
  const signIn = signInOf(account, await accountOf(feeds, account), { partner: env, authorityHost, hasVault: true })
  if (isFailure(signIn)) return { problem: signIn.message }
  if (signIn.auth === 'refresh-token') return signIn
  return { problem: `account ${account} signs in with ${signIn.auth}: only refresh-token takes a consent` }
}

async function accountOf(feeds: string, account: string): Promise<Account> {
  const text = await readFile(feeds, 'utf8').catch(() => undefined)
  const file = text === undefined ? undefined : parseFeeds(text, CATALOG)
  return file && 'accounts' in file ? (file.accounts[account] ?? {}) : {}
}

type Token = { readonly refreshToken: string } | { readonly problem: string }

async function signInByBrowser(signIn: RefreshSignIn, vault: KeyVault | undefined): Promise<Token> {
  const { name, authorityHost, tenantId, clientId } = signIn
  const secret = await findSecret(name, 'client-secret', signIn.clientSecret, vault)
  if (isFailure(secret)) return { problem: secret.message }
  const tenantUrl = `${authorityHost}/${tenantId}`
  const listener = await listenForSignIn(tenantUrl, clientId)
  try {
    process.stderr.write(`Sign in as the partner's user; open in a browser:\n${listener.authorizeUrl}\n`)
    const back = await listener.broughtBack()
    if ('refusal' in back) return { problem: `sign-in of account ${name} came to nothing: ${back.refusal}` }
    const { redirectUri, verifier } = listener
    const client = { account: name, clientId, ...(secret && { clientSecret: secret.value }) }
    const request = { url: `${tenantUrl}/oauth2/v2.0/token`, ...client, code: back.code, redirectUri, verifier }
    return tokenOf(name, await exchangeCode(request, () => new Date()))
  } finally {
    listener.close()
  }
}

function tokenOf(account: string, answer: TokenAnswer | Failure): Token {
  if (isFailure(answer)) return { problem: answer.message }
  if (answer.refreshToken) return { refreshToken: answer.refreshToken }
  return { problem: `sign-in of account ${account}: the authority gave no refresh token (${answer.refusal})` }
}
