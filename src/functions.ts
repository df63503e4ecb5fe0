import { dirname, join } from 'node:path'
import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions'
import packageJson from '../package.json' with { type: 'json' }
import { type App, createApp } from './app.ts'
import type { AppEvent } from './core/events.ts'
import { doctorMeans } from './doctor-means.ts'
import { storageProblem } from './services/storage-error.ts'
import { readSettings } from './settings.ts'
import { callback } from './steps/callback.ts'
import { doctor } from './steps/doctor.ts'
import { ingest } from './steps/ingest.ts'
import { poison } from './steps/poison.ts'
import { provision } from './steps/provision.ts'
import { status } from './steps/status.ts'
import type { Services } from './steps/step.ts'
import { sweep } from './steps/sweep.ts'

const { version } = packageJson

// Every trigger is registered before the settings are read: an error earlier than the first registration makes an app
// without functions and without any error at the host.

app.timer('provision', {
  schedule: process.env.PROVISION_SCHEDULE || '0 */15 * * * *',
  handler: (_, context) => run(context, async (services) => void (await provision(services))),
})

app.timer('sweep', {
  schedule: process.env.SWEEP_SCHEDULE || '0 */5 * * * *',
  handler: (_, context) => run(context, async (services) => void (await sweep(services))),
})

app.http('callback', {
  route: 'callback/{feed}/{window}/{attempt}/{token}/{reportId?}',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  handler: (request, context) =>
    answer(context, async (services) => ({ status: await callback(read(request), services) })),
})

app.storageQueue('ingest', {
  queueName: 'ingest',
  connection: 'DataStorage',
  handler: (message, context) => run(context, (services) => ingest(message, services)),
})

app.storageQueue('ingest-poison', {
  queueName: 'ingest-poison',
  connection: 'DataStorage',
  handler: (message, context) => run(context, (services) => poison(message, services)),
})

app.http('run', {
  route: 'run/{step}',
  methods: ['POST'],
  authLevel: 'function',
  handler: ({ params }, context) => answer(context, (services) => runNow(params.step, services)),
})

app.http('status', {
  route: 'status',
  methods: ['GET'],
  authLevel: 'function',
  handler: (_, context) =>
    answer(context, async (services) => ({ jsonBody: { version, ...(await status(services)) } })),
})

app.http('health', {
  route: 'health',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async (_, context) =>
    open(context)
      ? { jsonBody: { status: 'ok', version } }
      : { status: 503, jsonBody: { status: 'unavailable', version } },
})

/** The bundle stands in the root of the deployed folder, and feeds.json beside it. */
const created = createApp(process.env, join(dirname(__filename), 'feeds.json'))

if ('problems' in created && process.env.AZURE_FUNCTIONS_ENVIRONMENT === 'Development') {
  for (const problem of created.problems) console.error(problem)
  process.exit(1)
}

const write = (context: InvocationContext) => (event: AppEvent) => context.log(JSON.stringify(event))

/** The app for one invocation; where the settings are wrong, one event that names all of it, and nothing else happens. */
function open(context: InvocationContext): Services | undefined {
  const opened: App | { problems: readonly string[] } = created
  if (!('problems' in opened)) return opened(write(context))
  write(context)({ event: 'app.settings', message: opened.problems.join('; ') })
  return undefined
}

async function run(context: InvocationContext, step: (services: Services) => Promise<void>): Promise<void> {
  const services = open(context)
  if (!services) return
  await step(services).catch((error) => {
    tellStorage(context, error)
    throw error
  })
}

async function answer(
  context: InvocationContext,
  step: (services: Services) => Promise<HttpResponseInit>,
): Promise<HttpResponseInit> {
  const services = open(context)
  if (!services) return { status: 503 }
  return step(services).catch((error) => {
    if (!tellStorage(context, error)) throw error
    return { status: 503, jsonBody: { status: 'storage', remedy: 'The storage account does not answer; see the log.' } }
  })
}

/** Storage that does not answer is told in one line that names it; everything else is left to the host's exception. */
function tellStorage(context: InvocationContext, error: unknown): boolean {
  const message = storageProblem(error)
  if (message) write(context)({ event: 'app.settings', kind: 'storage', message })
  return message !== undefined
}

/** Runs a step now; gives what it did. */
async function runNow(step: string | undefined, services: Services): Promise<HttpResponseInit> {
  if (step === 'provision') return { jsonBody: (await provision(services)) ?? { problem: 'feeds.json cannot be used' } }
  if (step === 'sweep') return { jsonBody: await sweep(services) }
  return step === 'doctor' ? runDoctor(services) : { status: 404 }
}

async function runDoctor(services: Services): Promise<HttpResponseInit> {
  const settings = readSettings(process.env)
  return 'problems' in settings ? { status: 503 } : { jsonBody: await doctor(doctorMeans(settings, services)) }
}

function read({ params, query }: HttpRequest) {
  const { feed = '', window = '', attempt = '', token = '', reportId } = params
  return { feed, window, attempt, token, reportId: reportId ?? query.get('reportId') ?? undefined }
}
