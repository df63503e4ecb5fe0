import type { TestClock } from '../setup/clock.ts'
import type { Pass } from './store.ts'

/** Where an instance stops: before its nth call has any effect, or after it and before the answer. */
export type Cut = {
  readonly at: number
  readonly side: 'before' | 'after'
  /** When the instance goes on, like a frozen process that wakes. Without it the instance is gone for ever. */
  readonly until?: Promise<void>
}

/** One run of the app. Once it stops, none of its calls has an effect or returns. */
export type Instance = {
  readonly pass: Pass
  /** The names of the calls so far, in the order in which they reached the service. */
  readonly calls: readonly string[]
  readonly stopped: Promise<void>
}

/** Time that passes with each call, in milliseconds. */
const CALL = 10

/** Starts an instance, whose calls are numbered from 1; `onCall` hears of each before its effect. */
export function startInstance(clock: TestClock, cut?: Cut, onCall: (n: number) => void = () => undefined): Instance {
  const calls: string[] = []
  const stopped = Promise.withResolvers<void>()
  let begun = 0
  let standing: Promise<void> | undefined
  const stopAt = (n: number, side: Cut['side']) => {
    if (n !== cut?.at || side !== cut.side) return
    standing = cut.until ?? new Promise(() => undefined)
    stopped.resolve()
  }
  const pass: Pass = async (name, effect) => {
    await onItsWay(begun++)
    await standing
    const n = calls.push(name)
    clock.advance(CALL)
    onCall(n)
    stopAt(n, 'before')
    await standing
    const answer = effect()
    // A refusal is an answer, too.
    await Promise.allSettled([answer])
    stopAt(n, 'after')
    await standing
    return answer
  }
  return { pass, calls, stopped: stopped.promise }
}

/** Calls that are out at once do not arrive in the order in which they began. */
async function onItsWay(number: number): Promise<void> {
  for (let turn = (number * 5) % 7; turn > 0; turn -= 1) await undefined
}
