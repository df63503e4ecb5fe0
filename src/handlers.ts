import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions'
import { openApp } from './app/app.ts'
import { doctorMeans } from './app/doctor-means.ts'
import type { AppEvent } from './core/events.ts'
import type { Problems } from './core/problems.ts'
import { storageProblem } from './services/storage/errors.ts'
import type { Settings } from './settings/settings.ts'
import { callback } from './steps/callback.ts'
import { doctor } from './steps/doctor/doctor.ts'
import { ingest } from './steps/ingest.ts'
import { poison } from './steps/poison.ts'
import { provision } from './steps/provision.ts'
import type { Services } from './steps/services.ts'
import { status } from './steps/status.ts'
import { sweep } from './steps/sweep.ts'

type Opened = { readonly services: Services; readonly settings: Settings }
type Step<T> = (opened: Opened) => Promise<T>

/** Puts the app together and gives what its triggers do; `version` is the app's. */
export function createHandlers(settings: Settings | Problems, feedsFile: string, version: string) {
  const open = opener(settings, feedsFile)
  const run = (context: InvocationContext, step: Step<unknown>) => runStep(open(context), context, step)
  const answer = (context: InvocationContext, step: Step<HttpResponseInit>) => answerStep(open(context), context, step)
  return {
    provision: (context: InvocationContext) => run(context, ({ services }) => provision(services)),
    sweep: (context: InvocationContext) => run(context, ({ services }) => sweep(services)),
    ingest: (message: unknown, context: InvocationContext) => run(context, ({ services }) => ingest(message, services)),
    poison: (message: unknown, context: InvocationContext) => run(context, ({ services }) => poison(message, services)),
    callback: (request: HttpRequest, context: InvocationContext) =>
      answer(context, async ({ services }) => ({ status: await callback(read(request), services) })),
    status: (context: InvocationContext) =>
      answer(context, async ({ services }) => ({ jsonBody: { version, ...(await status(services)) } })),
    run: (step: string | undefined, context: InvocationContext) => answer(context, (opened) => runNow(step, opened)),
    health: (context: InvocationContext): HttpResponseInit =>
      open(context)
        ? { jsonBody: { status: 'ok', version } }
        : { status: 503, jsonBody: { status: 'unavailable', version } },
  }
}

/** The app as one invocation sees it; undefined where the settings are wrong, which one event tells, all of it. */
function opener(settings: Settings | Problems, feedsFile: string): (context: InvocationContext) => Opened | undefined {
  if (!('problems' in settings)) {
    const app = openApp(settings, feedsFile)
    return (context) => ({ services: app(writer(context)), settings })
  }
  const message = settings.problems.join('; ')
  return (context) => {
    writer(context)({ event: 'app.settings', message })
    return undefined
  }
}

function writer(context: InvocationContext): (event: AppEvent) => void {
  return (event) => context.log(JSON.stringify(event))
}

async function runStep(opened: Opened | undefined, context: InvocationContext, step: Step<unknown>): Promise<void> {
  if (!opened) return
  await step(opened).catch((error) => {
    tellStorage(context, error)
    throw error
  })
}

async function answerStep(
  opened: Opened | undefined,
  context: InvocationContext,
  step: Step<HttpResponseInit>,
): Promise<HttpResponseInit> {
  if (!opened) return { status: 503 }
  return step(opened).catch((error) => {
    if (!tellStorage(context, error)) throw error
    return { status: 503, jsonBody: { status: 'storage', remedy: 'The storage account does not answer; see the log.' } }
  })
}

/** Storage that does not answer is told in one line that names it; everything else is left to the host's exception. */
function tellStorage(context: InvocationContext, error: unknown): boolean {
  const message = storageProblem(error)
  if (message) writer(context)({ event: 'app.settings', kind: 'storage', message })
  return message !== undefined
}

/** Runs a step now; gives what it did. */
async function runNow(step: string | undefined, { services, settings }: Opened): Promise<HttpResponseInit> {
  if (step === 'provision') return { jsonBody: (await provision(services)) ?? { problem: 'feeds.json cannot be used' } }
  if (step === 'sweep') return { jsonBody: await sweep(services) }
  if (step === 'doctor') return { jsonBody: await doctor(doctorMeans(settings, services)) }
  return { status: 404 }
}

function read({ params, query }: HttpRequest) {
  const { feed = '', window = '', attempt = '', token = '', reportId } = params
  return { feed, window, attempt, token, reportId: reportId ?? query.get('reportId') ?? undefined }
}
