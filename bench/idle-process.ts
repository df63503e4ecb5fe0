import { openApp } from '../src/app/app.ts'
import { failed } from '../src/core/failures.ts'
import { readSettings } from '../src/settings/settings.ts'
import { provision } from '../src/steps/provision.ts'
import { sweep } from '../src/steps/sweep.ts'

/** An instance of the app: its storage, and the text of its feeds.json. */
export type Instance = { readonly connectionString: string; readonly feedsText: string }

export type Timer = 'provision' | 'sweep'

/** What a run of a timer gave: how often it turned to the service, and the peak memory so far, in MiB; or its error. */
export type Ran = { readonly asked: number; readonly rssMb: number } | { readonly error: string }

/** Opens the app without a service. The function it gives runs a timer. */
function openInstance({ connectionString, feedsText }: Instance): (timer: Timer) => Promise<Ran> {
  const settings = readSettings({
    DataStorage: connectionString,
    DEPLOYMENT_ID: 'bench',
    CALLBACK_BASE_URL: '',
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'app',
    PARTNER_REFRESH_TOKEN: 'none',
  })
  if ('problems' in settings) throw new Error(settings.problems.join('; '))
  let asked = 0
  const app = openApp(settings, '', {
    packagedFeeds: async () => feedsText,
    insights() {
      asked++
      return failed('unauthorized', 'the bench has no service')
    },
  })
  const services = app(() => undefined)
  return async (timer) => {
    const before = asked
    const done = timer === 'provision' ? await provision(services) : await sweep(services)
    if (!done) return { error: 'feeds.json cannot be used' }
    return { asked: asked - before, rssMb: process.resourceUsage().maxRSS / 1024 }
  }
}

const run = openInstance(JSON.parse(process.argv[2] ?? '') as Instance)
process.on('message', async (timer: Timer) => {
  process.send?.(await run(timer).catch(({ message }: Error): Ran => ({ error: message })))
})
process.channel?.ref()
process.send?.('ready')
