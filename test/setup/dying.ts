import type { Services } from '../../src/steps/services.ts'

/** An instance that dies at one of its calls to the storage: that call, and every later one, never returns. */
export type Dying = {
  readonly services: Services
  /** The names of the calls so far. */
  readonly calls: readonly string[]
  readonly stopped: Promise<void>
}

/** Where it dies: before its nth call has any effect, or after it and before the answer. */
export type Death = { readonly at: number; readonly side: 'before' | 'after' }

type Call = (...args: never[]) => unknown

/** Services that make their calls to the ledger, the archive and the queue one by one, up to a death. */
export function dying(services: Services, death?: Death): Dying {
  const calls: string[] = []
  const stopped = Promise.withResolvers<void>()
  const gone = new Promise<never>(() => undefined)
  let isDead = false
  const die = () => {
    isDead = true
    stopped.resolve()
    return gone
  }
  const isNow = (side: Death['side'], n: number) => death?.side === side && death.at === n
  const wrapped = <T extends object>(name: string, target: T): T => {
    const wrap = ([key, call]: [string, Call]) => [key, passing(`${name}.${key}`, call)]
    return Object.fromEntries(Object.entries(target).map((each) => wrap(each as [string, Call]))) as T
  }
  const passing = (name: string, call: Call) => {
    // What gives its values one by one is not awaited: its first value is the call.
    if (name === 'ledger.scan' || name === 'archive.names' || name === 'archive.read') {
      return async function* (...args: never[]) {
        const n = calls.push(name)
        if (isDead || isNow('before', n)) await die()
        yield* call(...args) as AsyncIterable<unknown>
        if (isNow('after', n)) await die()
      }
    }
    if (name === 'archive.write' || name === 'archive.rejects') return call
    return async (...args: never[]) => {
      const n = calls.push(name)
      if (isDead || isNow('before', n)) await die()
      const answer = await call(...args)
      if (isDead || isNow('after', n)) await die()
      return answer
    }
  }
  const { ledger, archive, queue } = services
  return {
    services: {
      ...services,
      ledger: wrapped('ledger', ledger),
      archive: wrapped('archive', archive),
      queue: wrapped('queue', queue),
    },
    calls,
    stopped: stopped.promise,
  }
}

/** Calls that change something: a death at any other is the same as one before the next of these. */
const CHANGES = /\.(write|remove|send|end)/

/** Every point at which an instance that makes these calls may die. */
export function deathsOf(calls: readonly string[]): readonly Death[] {
  const changes = calls.flatMap((call, index) => (CHANGES.test(call) ? [index + 1] : []))
  return changes.flatMap((at) => (['before', 'after'] as const).map((side) => ({ at, side })))
}

/** Runs a step on an instance that dies; ends when it is dead. */
export async function runUntilDeath({ services, stopped }: Dying, run: (services: Services) => Promise<unknown>) {
  const missed = run(services).then(() => Promise.reject(new Error('it never died')))
  await Promise.race([missed, stopped])
}
