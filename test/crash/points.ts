import type { Cut } from '../memory/instance.ts'
import { type InMemory, openInMemory, type Plant, type Site } from './deployment.ts'
import { brokenAfterQuiet, brokenNow, unasked } from './laws.ts'
import { workUntilQuiet } from './quiet.ts'
import { play, type Step, type StepName } from './script.ts'

/** A step of the history that nobody interrupts: the deployment before it, and the calls that it made. */
export type Played = { readonly step: Step; readonly before: InMemory; readonly calls: readonly string[] }

/** Plays the history that nobody interrupts. */
export async function played(site: Site, plant?: Plant): Promise<{ steps: readonly Played[]; end: InMemory }> {
  const end = openInMemory(site, plant)
  const steps: Played[] = []
  await play(end, async (step) => {
    const before = end.copy()
    const by = end.start()
    const isDone = await step.run(end, by)
    if (by.calls.length > 0) steps.push({ step, before, calls: by.calls })
    return isDone
  })
  return { steps, end }
}

/** A call of a step, and the side of it on which the instance dies. */
export type Point = Played & { readonly cut: Cut }

/** Both sides of every call. */
export function pointsOf(steps: readonly Played[]): readonly Point[] {
  return steps.flatMap((each) =>
    each.calls.flatMap((_, index) =>
      (['before', 'after'] as const).map((side) => ({ ...each, cut: { at: index + 1, side } })),
    ),
  )
}

/** Lets the instance of a step die at a point, and others work until quiet. Gives what is against the laws. */
export async function brokenBy({ step, before, calls, cut }: Point): Promise<readonly string[]> {
  const on = before.copy()
  const dying = on.start(cut)
  const missed = step.run(on, dying).then(() => Promise.reject(new Error(`call ${cut.at} was never made`)))
  await Promise.race([missed, dying.stopped])
  const atDeath = await brokenNow(on)
  const lost = await unasked(on)
  await workUntilQuiet(on)
  const where = `${step.name} dies ${cut.side} call ${cut.at}, ${calls[cut.at - 1]}`
  return [...atDeath, ...(await brokenAfterQuiet(on, lost))].map((fault) => `${where}: ${fault}`)
}

/** Lets an instance die at every point of the steps of one kind. Gives the number of points, and what is against the laws. */
export async function brokenInEvery(
  name: StepName,
  steps: readonly Played[],
): Promise<{ readonly points: number; readonly faults: readonly string[] }> {
  const points = pointsOf(steps.filter(({ step }) => step.name === name))
  const faults: string[] = []
  for (const point of points) faults.push(...(await brokenBy(point)))
  return { points: points.length, faults }
}

/** How often the steps of a kind make each call. */
export function callsOf(name: StepName, steps: readonly Played[]): ReadonlyMap<string, number> {
  const calls = steps.filter(({ step }) => step.name === name).flatMap((each) => each.calls)
  return new Map([...Map.groupBy(calls, (call) => call)].map(([call, all]) => [call, all.length]))
}
