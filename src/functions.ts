/** Every trigger of the app. `handlers.ts` says what each does. */

import { dirname, join } from 'node:path'
import { app } from '@azure/functions'
import packageJson from '../package.json' with { type: 'json' }
import { lazily } from './services/lazily.ts'
import { SCHEDULES } from './settings/schedules.ts'
import { readSettings } from './settings/settings.ts'

/** Loads the steps and their libraries with the first invocation, so that the host waits for the triggers alone. */
const handlers = lazily(async () => {
  const { createHandlers } = await import('./handlers.ts')
  return createHandlers(settings, FEEDS_FILE, packageJson.version, PAGE_FILE)
})

// Every trigger is registered before the settings are read. An error before the first registration would make an app
// without functions, and the host would show no error.

app.timer('provision', {
  schedule: process.env.PROVISION_SCHEDULE || SCHEDULES.PROVISION_SCHEDULE,
  handler: async (_, context) => (await handlers()).provision(context),
})

app.timer('sweep', {
  schedule: process.env.SWEEP_SCHEDULE || SCHEDULES.SWEEP_SCHEDULE,
  handler: async (_, context) => (await handlers()).sweep(context),
})

app.http('callback', {
  route: 'callback/{feed}/{window}/{attempt}/{token}/{reportId?}',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  handler: async (request, context) => (await handlers()).callback(request, context),
})

app.storageQueue('ingest', {
  queueName: 'ingest',
  connection: 'DataStorage',
  handler: async (message, context) => (await handlers()).ingest(message, context),
})

app.storageQueue('ingest-poison', {
  queueName: 'ingest-poison',
  connection: 'DataStorage',
  handler: async (message, context) => (await handlers()).poison(message, context),
})

app.http('run', {
  route: 'run/{step}',
  methods: ['POST'],
  authLevel: 'function',
  handler: async ({ params }, context) => (await handlers()).run(params.step, context),
})

app.http('status', {
  route: 'status',
  methods: ['GET'],
  authLevel: 'function',
  handler: async (_, context) => (await handlers()).status(context),
})

app.http('window-status', {
  route: 'status/{feed}/{window}',
  methods: ['GET'],
  authLevel: 'function',
  handler: async (request, context) => (await handlers()).windowStatus(request, context),
})

app.http('dashboard', {
  route: 'dashboard',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async (_, context) => (await handlers()).dashboard(context),
})

app.http('health', {
  route: 'health',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async (_, context) => (await handlers()).health(context),
})

const settings = readSettings(process.env)

if ('problems' in settings && process.env.AZURE_FUNCTIONS_ENVIRONMENT === 'Development') {
  for (const problem of settings.problems) console.error(problem)
  process.exit(1)
}

/** The bundle is in the root of the deployed folder, and these are beside it. */
const FEEDS_FILE = join(dirname(__filename), 'feeds.json')
const PAGE_FILE = join(dirname(__filename), 'dashboard.html')
