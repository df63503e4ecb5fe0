import { readFile } from 'node:fs/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { openApp } from '../src/app/app.ts'
import { hashJson } from '../src/core/hash.ts'
import { FEEDS_SOURCE_KEY, type FeedsSourceRow } from '../src/core/ledger/app-rows.ts'
import type { Environment } from '../src/settings/environment.ts'
import { readSettings, type Settings } from '../src/settings/settings.ts'
import type { Services } from '../src/steps/services.ts'
import { type Outcome, type OutputOptions, print, refused } from './output.ts'

/** What every command takes. */
export type CommonOptions = OutputOptions & { readonly settings?: string; readonly feeds: string }

/** What a command works with: the app's own parts, put together on this machine. */
export type Context = { readonly settings: Settings; readonly services: Services; readonly feedsFile: string }

const SETTINGS_FILE = 'local.settings.json'

/** Runs a command that needs the app's settings; each problem of theirs is a line. */
export function withContext(options: CommonOptions, run: (context: Context) => Promise<Outcome>): Promise<void> {
  return print(options, async () => {
    const env = await readEnvironment(options)
    if ('problems' in env) return refused(env.problems)
    const settings = readSettings(env.values)
    if ('problems' in settings) return refused(settings.problems)
    const services = openApp(settings, options.feeds)(() => undefined)
    return run({ settings, services, feedsFile: options.feeds })
  })
}

/**
 * Reads the settings: the environment, and for what it lacks the file, which has the form of local.settings.json. The
 * certificates its NODE_EXTRA_CA_CERTS names are trusted from now on. Only a file that was named must be there.
 */
export async function readEnvironment({
  settings,
}: Pick<CommonOptions, 'settings'>): Promise<{ readonly values: Environment } | { readonly problems: string[] }> {
  const file = settings ?? SETTINGS_FILE
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined && settings !== undefined) return { problems: [`${file} cannot be read`] }
  const values = text === undefined ? {} : readValues(text)
  if (!values) return { problems: [`${file} is not of the form { "Values": { "NAME": "text" } }`] }
  const problem = await trust(values.NODE_EXTRA_CA_CERTS)
  return problem === undefined ? { values: { ...values, ...process.env } } : { problems: [problem] }
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

/** Node reads NODE_EXTRA_CA_CERTS only when it starts. */
async function trust(file: string | undefined): Promise<string | undefined> {
  if (!file) return undefined
  const certificate = await readFile(file, 'utf8').catch(() => undefined)
  if (certificate === undefined) return `NODE_EXTRA_CA_CERTS names ${file}, which cannot be read`
  setDefaultCACertificates([...getCACertificates('default'), certificate])
  return undefined
}

/** Why nothing may be changed: what the feeds say here is not what the app acts by. Undefined where it is the same. */
export async function differingFeeds({ services, feedsFile }: Context): Promise<string | undefined> {
  const source = (await services.ledger.readApp<FeedsSourceRow>(FEEDS_SOURCE_KEY))?.value
  if (!source) return 'the app has not read its feeds yet: wait for its first tick'
  const text = await readFile(feedsFile, 'utf8').catch(() => undefined)
  if (text === undefined)
    return `${feedsFile} cannot be read; name the app's feeds with --feeds, or get them with feeds pull`
  if (hashJson(text) === source.hash) return undefined
  return `${feedsFile} is not what the app last read; "feeds diff" shows how they differ`
}
