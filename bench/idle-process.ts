import { provision } from '../src/steps/provision.ts'
import { sweep } from '../src/steps/sweep.ts'
import { type Instance, openQuietApp } from './quiet-app.ts'

export type Timer = 'provision' | 'sweep'

/** What a run of a timer gave: how often it turned to the service, and the peak memory so far, in MiB; or its error. */
export type Ran = { readonly asked: number; readonly rssMb: number } | { readonly error: string }

/** Opens an instance without a service. The function it gives runs a timer. */
function openInstance(instance: Instance): (timer: Timer) => Promise<Ran> {
  let asked = 0
  const services = openQuietApp(instance, () => asked++)
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
