import { setImmediate as turn } from 'node:timers/promises'
import type { Cut } from '../memory/instance.ts'
import type { Pass } from '../memory/store.ts'
import type { TestClock } from '../setup/clock.ts'

/** One that works on a deployment while others do, such as a tick of one instance. All its calls go through `pass`. */
export type Actor = {
  readonly name: string
  readonly run: (pass: Pass) => Promise<unknown>
  /** Where it is gone for ever, like a killed process: none of its later calls has an effect or returns. */
  readonly cut?: Pick<Cut, 'at' | 'side'>
}

/** An actor that ended with an error. */
export type Thrown = { readonly actor: string; readonly error: unknown }

export type Interleaving = {
  readonly clock: TestClock
  /** Says which call proceeds, by its place among those that wait; these are named by their actors. */
  readonly choose: (waiting: readonly string[]) => number
  /** Hears of each call after its effect. */
  readonly onCall: (actor: string, call: string) => void
}

/** Time that passes with each call, in milliseconds. */
const CALL = 10

/** An actor that neither calls nor ends for so long hangs. */
const HANGS = 20_000

type Running = { readonly actor: Actor; calls: number; waiting: number; isOver: boolean }

type Waiting = { readonly of: Running; readonly call: string; readonly proceed: () => Promise<void> }

/**
 * Lets actors work at the same time: each of their calls waits until it is chosen, and everybody else stands still until
 * what follows it has come to its next call. So the choices alone decide the order. Gives the actors that threw.
 */
export async function interleave(
  actors: readonly Actor[],
  { clock, choose, onCall }: Interleaving,
): Promise<readonly Thrown[]> {
  const thrown: Thrown[] = []
  const queue: Waiting[] = []
  const all = actors.map((actor) => {
    const running: Running = { actor, calls: 0, waiting: 0, isOver: false }
    actor
      .run(passOf(running, queue))
      .catch((error) => thrown.push({ actor: actor.name, error }))
      .finally(() => {
        running.isOver = true
      })
    return running
  })
  for (await settled(all); queue.length > 0; await settled(all)) {
    const [next] = queue.splice(choose(queue.map(({ of }) => of.actor.name)), 1)
    if (!next || next.of.isOver) continue
    const { of, call } = next
    const side = ++of.calls === of.actor.cut?.at ? of.actor.cut.side : undefined
    of.isOver ||= side === 'before'
    if (of.isOver) continue
    clock.advance(CALL)
    of.isOver = side === 'after'
    await next.proceed()
    onCall(of.actor.name, call)
  }
  return thrown
}

/** A call waits for its turn, and its answer is heard by nobody where the actor is gone. */
function passOf(of: Running, queue: Waiting[]): Pass {
  return (call, effect) =>
    new Promise((resolve, reject) => {
      of.waiting += 1
      const proceed = async () => {
        of.waiting -= 1
        const [answer] = await Promise.allSettled([effect()])
        if (of.isOver) return
        if (answer.status === 'fulfilled') resolve(answer.value)
        else reject(answer.reason)
      }
      queue.push({ of, call, proceed })
    })
}

/** Waits until each actor has come to its next call or its end: a download happens between two calls. */
async function settled(all: readonly Running[]): Promise<void> {
  const began = performance.now()
  do {
    await turn()
    if (performance.now() - began > HANGS) throw new Error('an actor neither calls nor ends')
  } while (!all.every(({ isOver, waiting }) => isOver || waiting > 0))
}

/** How many calls of one actor follow each other on average: others are held up for long at any of theirs. */
const BURST = 8

/** Choices that a seed decides. */
export function seededChoices(seed: number): Interleaving['choose'] {
  const among = seededNumbers(seed)
  let current: string | undefined
  return (waiting) => {
    const same = current === undefined ? -1 : waiting.indexOf(current)
    const chosen = same >= 0 && among(BURST) > 0 ? same : among(waiting.length)
    current = waiting[chosen]
    return chosen
  }
}

/** Numbers below a limit (mulberry32). */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
