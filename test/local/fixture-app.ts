import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { app, type HttpRequest, type InvocationContext } from '@azure/functions'
import { QueueClient } from '@azure/storage-queue'

// A small app with one of everything the stand-in knows. The tests of the host build it and run it in a process.

const QUEUE = process.env.FIXTURE_QUEUE ?? 'fixture'

function report(context: InvocationContext, facts: object) {
  context.log(JSON.stringify({ function: context.functionName, ...facts }))
}

app.hook.appStart(() => console.log('appStart ran'))
app.hook.appTerminate(() => console.log('appTerminate ran'))
app.hook.preInvocation(({ inputs, invocationContext }) => {
  if (invocationContext.functionName === 'hooked') inputs[0] = 'replaced before'
})
app.hook.postInvocation((hook) => {
  if (hook.invocationContext.functionName !== 'hooked') return
  hook.invocationContext.log(`state is right: ${hook.inputs[0]}`)
  hook.result = { body: 'replaced after' }
})

app.timer('ticker', {
  schedule: '%FIXTURE_SCHEDULE%',
  handler: async (timer, context) => {
    report(context, { timer })
    await sendOnce(JSON.stringify({ work: { from: 'timer' }, list: [1], id: 'mine' }))
  },
})

let sent = false
async function sendOnce(text: string) {
  if (sent) return
  sent = true
  await new QueueClient(process.env.DataStorage ?? '', QUEUE).sendMessage(Buffer.from(text).toString('base64'))
}

const seen = new Map<string, number>()

app.storageQueue('worker', {
  queueName: '%FIXTURE_QUEUE%',
  connection: 'DataStorage',
  handler: async (body, context) => {
    const text = JSON.stringify(body)
    seen.set(text, (seen.get(text) ?? 0) + 1)
    report(context, { body, metadata: context.triggerMetadata, seen: seen.get(text) })
    if (text.includes('fail')) throw new Error('failed\non purpose')
    if (text.includes('text')) throw 'a text'
    if (text.includes('nothing')) throw null
    if (text.includes('slow')) await untilReleased()
  },
})

/** Waits for a file, so that a test can let go of a function whose host takes no calls any more. */
async function untilReleased() {
  while (!existsSync(process.env.FIXTURE_RELEASE ?? '')) await pause(10)
}

app.http('echo', {
  route: 'echo/{Feed}/{window?}',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  handler: async (request: HttpRequest) => ({
    status: 201,
    headers: { 'X-Own': 'yes' },
    cookies: [{ name: 'a', value: 'b', httpOnly: true }],
    jsonBody: {
      method: request.method,
      url: request.url,
      params: request.params,
      query: Object.fromEntries(request.query),
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    },
  }),
})

app.http('fixed', { route: 'echo/fixed', authLevel: 'anonymous', handler: () => ({ body: 'fixed' }) })
app.http('secret', { authLevel: 'function', methods: ['GET'], handler: () => ({ body: 'open' }) })
app.http('deep', { authLevel: 'admin', methods: ['GET'], handler: () => ({ body: 'deep' }) })
app.http('silent', { authLevel: 'anonymous', methods: ['GET'], handler: () => Promise.resolve() as never })
app.http('hooked', { authLevel: 'anonymous', methods: ['GET'], handler: () => ({ body: 'not replaced' }) })
app.http('throws', {
  authLevel: 'anonymous',
  methods: ['GET'],
  handler: () => {
    throw 'only a text'
  },
})
app.http('late', {
  authLevel: 'anonymous',
  methods: ['GET'],
  handler: () => {
    app.http('too-late', { handler: () => ({}) })
    return {}
  },
})
app.http('floating', {
  authLevel: 'anonymous',
  methods: ['GET'],
  handler: () => {
    void Promise.reject(new Error('nobody waits for me'))
    return {}
  },
})
app.http('forever', { authLevel: 'anonymous', methods: ['GET'], handler: () => new Promise(() => undefined) })
app.http('held', {
  authLevel: 'anonymous',
  methods: ['GET'],
  handler: async (_, context) => {
    report(context, { held: true })
    await untilReleased()
    return { body: 'finished' }
  },
})
