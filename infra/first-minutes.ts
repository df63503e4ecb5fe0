/** `npm run first-minutes`, the hook after each deployment: waits until the app works, and says what a person still has to do. */

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { findAzdEnvironment } from '../cli/azd-env.ts'
import { counted } from '../src/core/counted.ts'
import type { Finding } from '../src/core/doctor.ts'
import { plainMessage, plainText } from '../src/core/plain-text.ts'
import { reasonOf } from '../src/services/safe-text.ts'
import { azNames, openSite, Refused, type Site } from './azure.ts'
import {
  afterDoctor,
  azdEnd,
  azdOption,
  beforeStart,
  type Outputs,
  problemsOfApp,
  type ToDo,
  toDoLines,
} from './to-do.ts'

/** How long all of it may take: longer than roles and references took anywhere to spread, and short enough to wait for. */
const WHOLE_MS = 15 * 60_000

const LOOK_EVERY_MS = 10_000

/** A reference that was read before its role had spread is read again only when asked for, or after a day. */
const REFRESH_EVERY_MS = 120_000

const TOKEN_MS = 60_000

/** How long one question may take. Azure ends an HTTP request after 230 seconds. */
const ANSWER_LIMITS = { azureMs: 60_000, appMs: 230_000 }

export type Means = {
  readonly outputs: Outputs
  /** Address of Azure Resource Manager. */
  readonly arm: string
  /** Gives a token for it. */
  readonly token: () => Promise<string>
  /** Of the app that was deployed. Undefined where nobody knows. */
  readonly version: string | undefined
  /** How long Azure and the app may take to answer. */
  readonly limits: typeof ANSWER_LIMITS
  readonly clock: () => number
  readonly wait: (ms: number) => Promise<unknown>
  readonly print: (line: string) => void
}

/**
 * Brings a deployed app to its first run, in at most 15 minutes and one answer: refreshes its secret references, waits for
 * `health`, lets the app check itself and starts `provision`. Everything may be done again. Gives the exit code: 0 where the
 * app works, also where a person still has something to do, which is printed in order; 1 where the app does not work.
 */
export async function firstMinutes(given: Means): Promise<0 | 1> {
  // Findings quote what the service says.
  const means: Means = { ...given, print: (line) => given.print(plainText(line)) }
  const { outputs, print } = means
  const { APP_ID: id, APP_URL: app } = outputs
  if (!id || !app)
    return fail(means, `the outputs of the templates are missing: type "azd provision${azdEnd(outputs)}"`)
  const before = beforeStart(outputs)
  const ask = openAsk(app, means.limits.appMs)
  const names = { azdEnd: azdEnd(outputs), arm: means.arm, id }
  try {
    const site = openSite({ ...names, token: means.token, limitMs: means.limits.azureMs })
    const until = means.clock() + WHOLE_MS
    const state = await untilHealthy(means, { site, ask, until, mayBeClosed: before.length > 0 })
    if (state === 'closed') return leave(means, 'The app is deployed. It starts when you have done this:', before)
    const key = await repeat(means, until, () => site.functionKey())
    const findings = await repeat(means, until, () => appFindings(ask, key, outputs))
    const left = afterDoctor(findings, outputs)
    if (left.length > 0) return leave(means, 'The app works. It asks for reports when you have done this:', left)
    const requested = await repeat(means, until, () => firstReports(ask, key, outputs))
    print(`The app works and has asked for ${counted(requested, 'report')}.`)
    print(`See them: npx partner-insights-sync status ${azdOption(outputs)}, or ${app}/api/dashboard#<function key>`)
    print('Look once more in an hour: a timer that does not start shows only then.')
    return 0
  } catch (error) {
    return fail(means, messageOf(error))
  }
}

function leave({ print, outputs }: Means, title: string, list: readonly ToDo[]): 0 {
  for (const line of [title, ...toDoLines(list), again(outputs)]) print(line)
  return 0
}

function fail({ print, outputs }: Means, why: string): 1 {
  for (const line of [`The app does not work yet: ${why}`, again(outputs)]) print(line)
  return 1
}

function again({ AZURE_ENV_NAME: name }: Outputs): string {
  return `Then type: npm run first-minutes${name ? ` ${name}` : ''}`
}

/** Asks a path of the deployed app; with the function key, it is a step to run. */
type Ask = (path: string, key?: string) => Promise<Response>

function openAsk(app: string, limitMs: number): Ask {
  return async (path, key) => {
    const options = key === undefined ? {} : { method: 'POST', headers: { 'x-functions-key': key } }
    try {
      return await fetch(`${app}/api/${path}`, { ...options, signal: AbortSignal.timeout(limitMs), redirect: 'manual' })
    } catch (error) {
      throw new Error(`${app}/api/${path} gives no answer (${reasonOf(error)})`)
    }
  }
}

type Waiting = {
  readonly site: Site
  readonly ask: Ask
  readonly until: number
  /** Whether a person still owes the app settings without which it does nothing. */
  readonly mayBeClosed: boolean
}

/** Waits for `health`. Throws what is still wrong when the time is over. */
async function untilHealthy(means: Means, { site, ask, until, mayBeClosed }: Waiting): Promise<State> {
  let refreshed = Number.NEGATIVE_INFINITY
  return repeat(means, until, async () => {
    if (means.clock() - refreshed >= REFRESH_EVERY_MS) {
      refreshed = means.clock()
      await site.refreshReferences().catch((error) => {
        if (error instanceof Refused) throw error
        // The app may be well all the same.
        means.print(`waiting: ${messageOf(error)}`)
      })
    }
    const state = await readHealth(ask, means)
    if (state === 'closed' && !mayBeClosed) {
      const log = `azd monitor --logs${azdEnd(means.outputs)}`
      throw new Error(`its settings are wrong. Read the event app.settings in its log: ${log}`)
    }
    return state
  })
}

/** `closed`: the app runs and does nothing, because settings are missing or wrong. */
type State = 'well' | 'closed'

/**
 * Throws where the app is neither well nor closed, and where an instance of another version than the deployed one answers.
 * A silent timer is none of the first minutes: the doctor tells of it.
 */
async function readHealth(ask: Ask, { version: deployed, outputs }: Means): Promise<State> {
  const deploy = `Type "azd deploy${azdEnd(outputs)}"`
  const response = await ask('health').catch((error) => {
    throw new Error(`${messageOf(error)}. ${deploy}`)
  })
  const answer = (await response.json().catch(() => undefined)) as { status?: string; version?: string } | undefined
  const { status, version } = answer ?? {}
  if (status === 'storage') throw new Error('its storage refuses it or does not answer. Roles take minutes to spread')
  if (response.status === 401 || (response.status >= 300 && response.status < 400)) {
    throw new Error(
      'something in front of the app asks for a sign-in, which neither Partner Center nor a command can do. In the portal, disable "Authentication" of the app',
    )
  }
  if (response.status === 403) {
    const start = `az functionapp start ${azNames(outputs.APP_ID ?? '')}`
    throw new Error(`the app is stopped, or something in front of it refuses. Type "${start}"`)
  }
  const isClosed = status === 'unavailable'
  if (response.status !== 200 && status !== 'timer-silent' && !isClosed) {
    throw new Error(`the app answers health with ${response.status}. ${deploy}`)
  }
  if (answer === undefined) throw new Error(somethingElse(outputs, 'health'))
  if (deployed !== undefined && version !== deployed) {
    throw new Error(`version ${version ?? 'unknown'} still answers, and ${deployed} was deployed. ${deploy}`)
  }
  return isClosed ? 'closed' : 'well'
}

/** Where an answer is not the app's, whatever it holds. */
function somethingElse({ APP_URL: app }: Outputs, path: string): string {
  return `something else than the app answers at ${app}/api/${path}`
}

/** Lets the app check itself. Throws where what it finds may be over in a minute. */
async function appFindings(ask: Ask, key: string, outputs: Outputs): Promise<readonly Finding[]> {
  const answer = (await runStep(ask, key, 'doctor')) as { findings?: readonly Finding[] } | undefined
  const findings = answer?.findings
  if (!Array.isArray(findings)) throw new Error(somethingElse(outputs, 'run/doctor'))
  const [wrong] = problemsOfApp(findings)
  if (wrong) throw new Error(`${wrong.check}: ${wrong.message}. ${wrong.remedy ?? ''}`)
  return findings
}

/** Lets the app ask for its first reports, and gives how many. */
async function firstReports(ask: Ask, key: string, outputs: Outputs): Promise<number> {
  const answer = (await runStep(ask, key, 'provision')) as { requested?: number; problem?: string } | undefined
  if (answer?.problem !== undefined) throw new Refused(`${answer.problem}. Correct it, and type "feeds push"`)
  if (answer?.requested === undefined) throw new Error(somethingElse(outputs, 'run/provision'))
  return answer.requested
}

/** Gives what a step answers; undefined where it is no JSON, which an error would quote. */
async function runStep(ask: Ask, key: string, step: string): Promise<unknown> {
  const response = await ask(`run/${step}`, key)
  if (!response.ok) throw new Error(`the app answered ${step} with ${response.status}`)
  return response.json().catch(() => undefined)
}

/** Tries until it works or the time is over, and tells each new reason to wait once. Throws the last reason. */
async function repeat<T>({ clock, wait, print }: Means, until: number, attempt: () => Promise<T>): Promise<T> {
  let told: string | undefined
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof Refused || clock() >= until) throw error
      const reason = messageOf(error)
      if (reason !== told) print(`waiting: ${reason}`)
      told = reason
      await wait(LOOK_EVERY_MS)
    }
  }
}

function messageOf(error: unknown): string {
  return plainMessage(error instanceof Error ? error.message : String(error))
}

/** The token of whoever is signed in to azd, of the subscription's tenant: they may be a guest there. */
async function azdToken({ AZURE_TENANT_ID: id }: Outputs): Promise<string> {
  const tenant = id ? ['--tenant-id', id] : []
  try {
    const { stdout } = await promisify(execFile)('azd', ['auth', 'token', '--output', 'json', ...tenant], {
      timeout: TOKEN_MS,
    })
    return (JSON.parse(stdout) as { token: string }).token
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const login = ['azd auth login', ...(id ? [`--tenant-id ${id}`] : [])].join(' ')
    throw new Refused(
      isMissing
        ? 'azd is not installed, or not on the PATH: see docs/deploy.md'
        : `azd gives no token: type "${login}"`,
    )
  }
}

/** The version in the folder that azd has just deployed. */
async function deployedVersion(): Promise<string | undefined> {
  const text = await readFile(join(import.meta.dirname, '../dist/app/package.json'), 'utf8').catch(() => '{}')
  return (JSON.parse(text) as { version?: string }).version
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  // azd hands the outputs to its hooks. By hand, they come from where azd keeps them, and the folder may be another version's.
  const [name] = process.argv.slice(2)
  const isHook = name === undefined && Boolean(process.env.APP_ID && process.env.APP_URL)
  const found = isHook ? undefined : await findAzdEnvironment(name)
  const outputs = isHook ? process.env : { ...found?.outputs, AZURE_ENV_NAME: found?.name ?? name }
  process.exitCode = await firstMinutes({
    outputs,
    version: isHook ? await deployedVersion() : undefined,
    limits: ANSWER_LIMITS,
    arm: 'https://management.azure.com',
    token: () => azdToken(outputs),
    clock: Date.now,
    wait: setTimeout,
    print: (line) => console.log(line),
  })
}
