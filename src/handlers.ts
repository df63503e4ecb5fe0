import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions'
import { openApp } from './app/app.ts'
import { readDashboard } from './app/dashboard.ts'
import { doctorMeans } from './app/doctor-means.ts'
import type { AppEvent } from './core/events.ts'
import { plainJson, plainMessage, plainText } from './core/plain-text.ts'
import { SWEEP_ACTIONS } from './core/plan/sweep.ts'
import { present } from './core/present.ts'
import type { Problems } from './core/problems.ts'
import { storageProblem } from './services/storage/errors.ts'
import type { Settings } from './settings/settings.ts'
import { type CallbackRequest, callback } from './steps/callback.ts'
import { doctor } from './steps/doctor/doctor.ts'
import { keptHealth } from './steps/health.ts'
import { ingest } from './steps/ingest.ts'
import { poison } from './steps/poison.ts'
import { provision } from './steps/provision.ts'
import type { Services } from './steps/services.ts'
import { status, windowStatus } from './steps/status.ts'
import type { Swept } from './steps/sweep.ts'
import { sweep } from './steps/sweep.ts'

/** The app as one invocation sees it. */
type OpenApp = { readonly services: Services; readonly settings: Settings }
type Step<T> = (app: OpenApp) => Promise<T>

/** Puts the app together and gives a function for each trigger. `version` is the app's own. `pageFile`: the built dashboard. */
export function createHandlers(settings: Settings | Problems, feedsFile: string, version: string, pageFile: string) {
  const open = opener(settings, feedsFile, version)
  const look = keptHealth()
  const run = async (context: InvocationContext, step: Step<unknown>): Promise<void> => {
    const app = open(context)
    if (!app) return
    await step(app).catch((error) => {
      tellStorage(context, error)
      throw error
    })
  }
  // `closed`: what it answers while settings are wrong, beside 503.
  const answer = (context: InvocationContext, step: Step<HttpResponseInit>, closed: HttpResponseInit = {}) =>
    guarded(context, async () => {
      const app = open(context)
      if (!app) return { status: 503, ...closed }
      return step(app).catch((error) => {
        if (!tellStorage(context, error)) throw error
        const remedy = 'The app cannot use its storage account; see the log.'
        return { status: 503, jsonBody: { status: 'storage', remedy } }
      })
    })
  return {
    provision: (context: InvocationContext) => run(context, ({ services }) => provision(services)),
    sweep: (context: InvocationContext) => run(context, ({ services }) => sweep(services)),
    ingest: (message: unknown, context: InvocationContext) => run(context, ({ services }) => ingest(message, services)),
    poison: (message: unknown, context: InvocationContext) => run(context, ({ services }) => poison(message, services)),
    callback: (request: HttpRequest, context: InvocationContext) =>
      answer(context, async ({ services }) => ({ status: await callback(toCallbackRequest(request), services) })),
    status: (context: InvocationContext) => answer(context, async ({ services }) => jsonAnswer(await status(services))),
    windowStatus: ({ params }: HttpRequest, context: InvocationContext) =>
      answer(context, async ({ services }) => {
        const found = await windowStatus(services, params.feed ?? '', params.window ?? '')
        return 'problem' in found ? { ...jsonAnswer(found), status: 404 } : jsonAnswer(found)
      }),
    run: (step: string | undefined, context: InvocationContext) => answer(context, (app) => runNow(step, app)),
    // Without data, so it is the same whatever the settings are.
    dashboard: (context: InvocationContext) => guarded(context, () => readDashboard(pageFile)),
    health: (context: InvocationContext) =>
      answer(
        context,
        async ({ services }) => {
          const { silent } = await look(services)
          return silent.length === 0
            ? { jsonBody: { status: 'ok', version } }
            : { status: 503, jsonBody: { status: 'timer-silent', timers: silent, version } }
        },
        { jsonBody: { status: 'unavailable', version } },
      ),
  }
}

type Open<T> = (context: InvocationContext) => T

/** Where the settings are wrong, each invocation writes one event with all problems, and gets undefined. */
function opener(settings: Settings | Problems, feedsFile: string, version: string): Open<OpenApp | undefined> {
  const open = 'problems' in settings ? settings : openOrProblems(settings, feedsFile, version)
  if (typeof open === 'function') return open
  const message = open.problems.join('; ')
  return (context) => {
    // Not cut, because it names every problem: the settings are the operator's own.
    write(context, { event: 'app.settings', message: plainText(message) })
    return undefined
  }
}

/** The clients of Azure refuse some addresses that are addresses. Their words may quote a connection string. */
function openOrProblems(settings: Settings, feedsFile: string, version: string): Open<OpenApp> | Problems {
  try {
    const app = openApp(settings, feedsFile, { version })
    return (context) => ({ services: app(writer(context)), settings })
  } catch {
    return { problems: ['DataStorage: no client of Azure takes its connection string, or one of its addresses'] }
  }
}

/** Messages can quote what the service or a file says, so each is cut and cleaned here, whoever wrote it. */
export function writer(context: InvocationContext): (event: AppEvent) => void {
  return ({ message, ...event }) =>
    write(context, present<AppEvent>({ ...event, message: message && plainMessage(message) }))
}

function write(context: InvocationContext, event: AppEvent): void {
  context.log(JSON.stringify(event))
}

/** Writes an event where storage cannot be used. For any other error the exception in the host's log says enough. */
function tellStorage(context: InvocationContext, error: unknown): boolean {
  const message = storageProblem(error)
  if (message) writer(context)({ event: 'app.settings', kind: 'storage', message })
  return message !== undefined
}

/** Every answer carries these. The page has a policy of its own, under which its script runs. */
const GUARDS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Gives an answer its guards. Of an unexpected error the caller learns nothing: it is in the log, with its stack. */
async function guarded(context: InvocationContext, step: () => Promise<HttpResponseInit>): Promise<HttpResponseInit> {
  try {
    const { headers, ...rest } = await step()
    return { ...rest, headers: { ...GUARDS, ...headers } }
  } catch (error) {
    // Not the error itself: how it prints its other fields is not ours.
    context.error(error instanceof Error ? error.stack : String(error))
    return { status: 500, headers: GUARDS }
  }
}

/** Runs a step at once and answers what it did. */
async function runNow(step: string | undefined, { services, settings }: OpenApp): Promise<HttpResponseInit> {
  if (step === 'provision') return { jsonBody: (await provision(services)) ?? { problem: NO_FEEDS } }
  if (step === 'sweep') return { jsonBody: sweptAnswer(await sweep(services), services.clock()) }
  if (step === 'doctor') return { jsonBody: await doctor(doctorMeans(settings, services)) }
  return { status: 404 }
}

const NO_FEEDS = 'nothing was asked for: feeds.json cannot be used, and the last event app.settings says why'

/** What a sweep did, by kind. Nothing is said in the same words: a caller who gets `{}` cannot tell it from a fault. */
function sweptAnswer(swept: Swept, at: Date): object {
  const actions = Object.fromEntries([...SWEEP_ACTIONS, 'drop'].map((kind) => [kind, swept[kind] ?? 0]))
  return { at, done: Object.values(swept).reduce((sum, count) => sum + count, 0), actions }
}

/** The very bytes that `--json` prints. */
function jsonAnswer(value: object): HttpResponseInit {
  return { body: plainJson(value, 0), headers: { 'content-type': 'application/json' } }
}

function toCallbackRequest({ params, query }: HttpRequest): CallbackRequest {
  const { feed = '', window = '', attempt = '', token = '', reportId } = params
  return { feed, window, attempt, token, reportId: reportId ?? query.get('reportId') ?? undefined }
}
