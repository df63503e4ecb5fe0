import { readFile } from 'node:fs/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Command, InvalidArgumentError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { openApp } from '../src/app/app.ts'
import { hashJson } from '../src/core/hash.ts'
import { FEEDS_SOURCE_KEY, type FeedsSourceRow } from '../src/core/ledger/app-rows.ts'
import type { Problems } from '../src/core/problems.ts'
import { type StorageClients, storageClients } from '../src/services/storage/clients.ts'
import { readText } from '../src/services/text-file.ts'
import type { Environment } from '../src/settings/environment.ts'
import { readSettings, type Settings } from '../src/settings/settings.ts'
import type { Services } from '../src/steps/services.ts'
import {
  type AzdEnvironment,
  findAzdEnvironment,
  hasAzdEnvironment,
  missingEnvironment,
  OF_AN_APP,
  settingsOfAzd,
} from './azd-env.ts'
import type { Busy } from './busy.ts'
import { readLocalText, unreadableFeeds } from './local-feeds.ts'
import { openOperator } from './operator.ts'
import { type CommandResult, type OutputOptions, print, refused } from './output.ts'

const SETTINGS_FILE = 'local.settings.json'

/** The settings of the app that `npm start` runs, which it writes. */
export const LOCAL_RUN = '.local/settings.json'

/** The local feeds of a command that names no others. */
export const FEEDS_FILE = 'feeds.json'

/** The options that every command has. */
export type CommonOptions = OutputOptions & {
  readonly settings?: string
  readonly azdEnv?: string | true
  readonly feeds: string
}

/** Adds a command with the options that every command has. */
export function addCommand(program: Command, usage: string, description: string): Command {
  return program
    .command(usage)
    .description(description)
    .option('--json', 'print one JSON value')
    .option('--settings <file>', `settings for what the environment lacks (default: ${SETTINGS_FILE})`)
    .option(
      '--azd-env [name]',
      'settings of the app that azd deployed: that environment, else the default one; put it last',
      azdEnvironmentName,
    )
    .option('--feeds <file>', 'the local feeds', FEEDS_FILE)
}

/**
 * Takes the name after `--azd-env`. It throws for one that azd keeps no environment of: it may be the next argument of the
 * command, which stands behind an option without a name.
 */
function azdEnvironmentName(name: string): string {
  if (hasAzdEnvironment(name)) return name
  throw new InvalidArgumentError(
    'azd has no such environment in this folder: see "azd env list". For the default one put --azd-env last; name another as --azd-env=<name>.',
  )
}

/** The app as a command uses it: its settings and services, opened on this machine, and the local feeds. */
export type LocalApp = {
  readonly env: Environment
  readonly settings: Settings
  readonly storage: StorageClients
  readonly services: Services
  readonly feedsFile: string
}

/** Runs a command that needs the app. Wrong settings end the command, with one line for each problem. */
export function withApp(
  options: CommonOptions,
  run: (app: LocalApp, busy: Busy) => Promise<CommandResult>,
): Promise<void> {
  return print(options, async (busy) => {
    const app = await openLocalApp(options)
    if ('problems' in app) return refused(app.problems)
    return run(app, busy).catch((error) => refused([unreadLocalFeeds(app, error)]))
  })
}

/** Says that the local feeds, which stand for those that were deployed with the app, could not be read. Throws every other error. */
function unreadLocalFeeds({ feedsFile }: LocalApp, error: unknown): string {
  if ((error as NodeJS.ErrnoException).path !== feedsFile) throw error
  return unreadableFeeds(feedsFile, error)
}

/** Opens the app on this machine, or gives all that is wrong with its settings. It reaches its storage as whoever runs the command. */
export async function openLocalApp(options: CommonOptions): Promise<LocalApp | Problems> {
  const environment = await readEnvironment(options)
  if ('problems' in environment) return environment
  const { values: env } = environment
  const settings = readSettings(env)
  if ('problems' in settings) return { problems: [...settings.problems, ...(await storageHint(env))] }
  const storage = storageClients(settings.storage, (clientId) => openOperator(clientId, env))
  const feedsFile = options.feeds
  const services = openApp(settings, feedsFile, { storage, version: packageJson.version, packagedName: feedsFile })(
    () => undefined,
  )
  return { env, settings, storage, services, feedsFile }
}

/**
 * The settings of a command. `file`: the settings file that they come from, as far as they are not in the environment.
 * Undefined where they are those of a deployed app, which no file here changes.
 */
type CommandEnvironment = { readonly values: Environment; readonly file: string | undefined }

/**
 * Reads the environment, and a settings file for what the environment lacks. The file has the form of local.settings.json
 * and must exist only if `--settings` names it. With `--azd-env`, the settings are those of a deployed app. Where nobody names
 * a storage or a sign-in, the settings are those of the app that azd deployed or that `npm start` runs. Standard error says
 * which app is meant where that is not plain. If the file sets NODE_EXTRA_CA_CERTS, the process trusts those certificates from now on.
 */
export async function readEnvironment({
  settings,
  azdEnv,
}: Pick<CommonOptions, 'settings' | 'azdEnv'>): Promise<CommandEnvironment | Problems> {
  if (azdEnv !== undefined) {
    if (settings !== undefined) return { problems: ['give --settings or --azd-env, not both'] }
    return readAzdEnvironment(azdEnv === true ? undefined : azdEnv)
  }
  const own = await readOwnEnvironment(settings)
  if (settings !== undefined || 'problems' in own) return own
  if (!namesOwnApp(own.values)) return (await readAnApp()) ?? own
  await tellOwnApp(own.values)
  return own
}

/** Says which app is meant where this folder knows of another one, whose commands may have been pasted. */
async function tellOwnApp(env: Environment): Promise<void> {
  if (!namesStorage(env)) return
  const others = [
    ...((await findAzdEnvironment()) ? ['--azd-env for the deployed app'] : []),
    ...((await knowsLocalRun()) ? [`--settings ${LOCAL_RUN} for the local run`] : []),
  ]
  if (others.length === 0) return
  process.stderr.write(`settings of the environment and ${SETTINGS_FILE}: add ${others.join(', or ')}\n`)
}

async function readAzdEnvironment(name: string | undefined): Promise<CommandEnvironment | Problems> {
  const found = await findAzdEnvironment(name)
  if (!found) return { problems: [await missingEnvironment()] }
  return name === undefined ? ofUnnamedApp(found) : ofDeployedApp(found)
}

/** Says which app is meant, since nobody named it. */
function ofUnnamedApp(environment: AzdEnvironment): CommandEnvironment | Problems {
  process.stderr.write(`settings of azd environment ${environment.name}\n`)
  return ofDeployedApp(environment)
}

function ofDeployedApp(environment: AzdEnvironment): CommandEnvironment | Problems {
  const read = settingsOfAzd(environment, process.env)
  return 'problems' in read ? read : { ...read, file: undefined }
}

/** The one app that this folder knows of. With two of them a command must not guess which is meant. */
async function readAnApp(): Promise<CommandEnvironment | Problems | undefined> {
  const [ofAzd, ofLocalRun] = [await findAzdEnvironment(), await readSettingsFile(LOCAL_RUN)]
  if (ofAzd && ofLocalRun) {
    return {
      problems: [
        `two apps are known here: add --azd-env for the deployed one, or --settings ${LOCAL_RUN} for the local run`,
      ],
    }
  }
  if (ofAzd) return ofUnnamedApp(ofAzd)
  if (ofLocalRun) process.stderr.write(`settings of the local run: ${LOCAL_RUN}\n`)
  return ofLocalRun
}

/** Reads the environment, and the settings file that is named or stands in the folder. */
export async function readOwnEnvironment(settings: string | undefined): Promise<CommandEnvironment | Problems> {
  const file = settings ?? SETTINGS_FILE
  const read = await readSettingsFile(file)
  if (read) return read
  return settings === undefined ? { values: process.env, file } : { problems: [`${file} cannot be read`] }
}

/** Undefined where there is no such file. */
async function readSettingsFile(file: string): Promise<CommandEnvironment | Problems | undefined> {
  const text = await readText(file).catch(() => undefined)
  if (text === undefined) return undefined
  const values = readValues(text)
  if (!values) return { problems: [`${file} is not of the form { "Values": { "NAME": "text" } }`] }
  const problem = await trust(values.NODE_EXTRA_CA_CERTS)
  return problem === undefined ? { values: { ...values, ...process.env }, file } : { problems: [problem] }
}

/** Whether settings are about an app: a part of them must not be mixed with those of another one. */
function namesOwnApp(env: Environment): boolean {
  return Object.keys(env).some((name) => OF_AN_APP.test(name) && env[name])
}

/** Says how to reach an app with settings that name no storage. */
async function storageHint(env: Environment): Promise<readonly string[]> {
  if (namesStorage(env)) return []
  if (await knowsLocalRun()) return [`no storage is named: add --settings ${LOCAL_RUN} for the local run`]
  return ['no storage is named: "npm start" runs an app on this machine; --azd-env or --settings names another one']
}

function namesStorage(env: Environment): boolean {
  return Object.keys(env).some((name) => name.startsWith('DataStorage'))
}

async function knowsLocalRun(): Promise<boolean> {
  return (await readText(LOCAL_RUN).catch(() => undefined)) !== undefined
}

function readValues(text: string): Record<string, string> | undefined {
  try {
    const { Values: values } = JSON.parse(text) as { Values?: Record<string, string> }
    const isText = typeof values === 'object' && Object.values(values).every((value) => typeof value === 'string')
    return isText ? values : undefined
  } catch {
    return undefined
  }
}

/** Trusts the certificates in a file. Node reads NODE_EXTRA_CA_CERTS only at its start and only from the environment. */
async function trust(file: string | undefined): Promise<string | undefined> {
  if (!file) return undefined
  const certificate = await readFile(file, 'utf8').catch(() => undefined)
  if (certificate === undefined) return `NODE_EXTRA_CA_CERTS names ${file}, which cannot be read`
  setDefaultCACertificates([...getCACertificates('default'), certificate])
  return undefined
}

/**
 * Compares the local feeds with those that the app last read. Gives the reason why a command must not change anything, or
 * undefined if both are the same.
 */
export async function differingFeeds({ services, feedsFile }: LocalApp): Promise<string | undefined> {
  const source = (await services.ledger.readApp<FeedsSourceRow>(FEEDS_SOURCE_KEY))?.value
  if (!source) return 'the app has not read its feeds yet: wait for its first tick'
  const local = await readLocalText(feedsFile)
  if ('problems' in local) return local.problems.join('; ')
  if (hashJson(local.text) === source.hash) return undefined
  return `${feedsFile} differs from what the app last read; "feeds diff" shows how; "feeds push" gives it to the app, "feeds pull" takes what the app has`
}
