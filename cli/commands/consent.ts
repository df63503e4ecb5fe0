import { randomUUID } from 'node:crypto'
import { realpath, rename, rm, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CATALOG } from '../../src/core/catalog.ts'
import { isFailure } from '../../src/core/failures.ts'
import { type Account, DEFAULT_ACCOUNT } from '../../src/core/feeds/feed.ts'
import { parseEachFeed } from '../../src/core/feeds/feeds.ts'
import type { Problem, Problems } from '../../src/core/problems.ts'
import { type KeyVault, VAULT_SCOPE } from '../../src/services/sign-in/key-vault.ts'
import { findSecret, type RefreshSignIn, vaultName } from '../../src/services/sign-in/sign-in.ts'
import { exchangeCode } from '../../src/services/sign-in/token-request.ts'
import { readText } from '../../src/services/text-file.ts'
import { type Environment, environmentReader } from '../../src/settings/environment.ts'
import { DEFAULT_AUTHORITY, settingOf, signInOf } from '../../src/settings/sign-in.ts'
import { addCommand, type CommonOptions, FEEDS_FILE, LOCAL_RUN, readEnvironment } from '../command.ts'
import { readLocalText } from '../local-feeds.ts'
import { signInProblem } from '../operator.ts'
import { operatorsVault } from '../operators-vault.ts'
import { type CommandResult, done, print, refused } from '../output.ts'
import { listenForSignIn } from '../sign-in-listener.ts'

type Options = CommonOptions & { readonly account: string; readonly local?: true }
const OF_LOCAL = 'set KEY_VAULT_URL (https), or give --local'
const OF_DEPLOYED =
  'the deployed app reads it from its Key Vault alone. Type the command without --local, after "azd provision"'

/** The place that keeps the refresh token of an account. `keep` gives the reason if it cannot store the token. */
type TokenKeeper = { readonly place: string; readonly keep: (token: string) => Promise<string | undefined> }

/**
 * Guides a person through the first sign-in in a browser, with multi-factor authentication. Stores the refresh token and
 * never shows it.
 */
export function addConsent(program: Command): void {
  addCommand(program, 'consent', 'sign in once in a browser and store the refresh token')
    .option('--account <name>', 'the account to sign in', DEFAULT_ACCOUNT)
    .option('--local', 'store the token in the settings file, for use without a Key Vault')
    .action((options: Options) =>
      print(options, (busy) => {
        // It waits for a person, and tells what for.
        busy.end()
        return consent(options)
      }),
    )
}

async function consent(options: Options): Promise<CommandResult> {
  const env = await readEnvironment(options)
  if ('problems' in env) return refused(env.problems)
  const vault = options.local ? undefined : operatorsVault(env.values)
  const store = vault ? inVault(vault, options.account) : inFile(options, env.file)
  if (!store) return refused([`no place to store the token: ${env.file === undefined ? OF_DEPLOYED : OF_LOCAL}`], 2)
  const signIn = await readSignIn(env.values, options)
  if ('problems' in signIn) return refused(signIn.problems)
  // Before a person goes to the browser for a token that cannot be stored.
  const nobody = vault && (await signInProblem(VAULT_SCOPE, env.values))
  if (nobody) return refused([nobody])
  const signedIn = await signInByBrowser(signIn, vault)
  if ('problem' in signedIn) return refused([signedIn.problem])
  const problem = await store.keep(signedIn.refreshToken)
  if (problem !== undefined) return refused([problem])
  return done({ account: signIn.name, storedIn: store.place }, [`account ${signIn.name}: stored in ${store.place}`])
}

function inVault(vault: KeyVault, account: string): TokenKeeper {
  const name = vaultName(account, 'refresh-token')
  return { place: `Key Vault secret ${name}`, keep: async (token) => (await vault.set(name, token))?.message }
}

function inFile({ account, local }: Options, file: string | undefined): TokenKeeper | undefined {
  // The app of the local run reads its token from there, and has no vault.
  if (file === undefined || (!local && file !== LOCAL_RUN)) return undefined
  return {
    place: file,
    async keep(token) {
      const text = await readText(file).catch(() => '{ "IsEncrypted": false, "Values": {} }')
      const content = JSON.parse(text) as { Values?: Record<string, string> }
      const setting = settingOf(account, 'PARTNER_REFRESH_TOKEN')
      const changed = { ...content, Values: { ...content.Values, [setting]: token } }
      await replaceFile(file, `${JSON.stringify(changed, undefined, 2)}\n`)
      return undefined
    },
  }
}

/** Writes a file that only its owner may read, whoever could read it before. A crash leaves the file as it was. */
async function replaceFile(file: string, text: string): Promise<void> {
  const target = await realpath(file).catch(() => file)
  const fresh = `${target}.${randomUUID()}`
  try {
    await writeFile(fresh, text, { mode: 0o600, flag: 'wx' })
    await rename(fresh, target)
  } finally {
    await rm(fresh, { force: true })
  }
}

/** Reads the sign-in of an account. It needs no other setting, and no refresh token yet. */
async function readSignIn(env: Environment, { account, feeds }: Options): Promise<RefreshSignIn | Problems> {
  const wrong: string[] = []
  const authorityHost = environmentReader(env, wrong).url('PARTNER_AUTHORITY_HOST', DEFAULT_AUTHORITY)
  if (wrong.length > 0) return { problems: wrong }
  const ofFile = await accountIn(feeds, account)
  if ('problems' in ofFile) return ofFile
  const signIn = signInOf(account, ofFile, { partner: env, authorityHost, hasVault: true })
  if (isFailure(signIn)) return { problems: [signIn.message] }
  if (signIn.auth === 'refresh-token') return signIn
  return { problems: [`account ${account} signs in with ${signIn.auth}: only refresh-token needs consent`] }
}

/** Reads an account from the local feeds. Gives an empty one if they do not have it, or nobody named a file and there is none. */
async function accountIn(feedsFile: string, name: string): Promise<Account | Problems> {
  const local = await readLocalText(feedsFile)
  if ('problems' in local) return feedsFile === FEEDS_FILE ? {} : local
  const file = parseEachFeed(local.text, CATALOG, feedsFile)
  // The settings alone say how the default account signs in, whatever is wrong with the file.
  if ('problems' in file) return name === DEFAULT_ACCOUNT ? {} : file
  return file.accounts[name] ?? {}
}

async function signInByBrowser(
  { name, authorityHost, tenantId, clientId, clientSecret }: RefreshSignIn,
  vault: KeyVault | undefined,
): Promise<{ readonly refreshToken: string } | Problem> {
  const secret = await findSecret(name, 'client-secret', clientSecret, vault)
  if (isFailure(secret)) return { problem: secret.message }
  const tenantUrl = `${authorityHost}/${tenantId}`
  const listener = await listenForSignIn(tenantUrl, clientId)
  try {
    process.stderr.write(
      `To sign in as the partner's user, open this address in a browser:\n${listener.authorizeUrl}\n`,
    )
    const answer = await listener.answer()
    if ('refusal' in answer) return { problem: `sign-in of account ${name} failed: ${answer.refusal}` }
    const request = {
      url: `${tenantUrl}/oauth2/v2.0/token`,
      account: name,
      clientId,
      ...(secret && { clientSecret: secret.value }),
      code: answer.code,
      redirectUri: listener.redirectUri,
      verifier: listener.verifier,
    }
    const token = await exchangeCode(request, () => new Date())
    if (isFailure(token)) return { problem: token.message }
    if (token.refreshToken) return { refreshToken: token.refreshToken }
    return { problem: `sign-in of account ${name}: the authority gave no refresh token (${token.refusal})` }
  } finally {
    listener.close()
  }
}
