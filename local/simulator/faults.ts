/** Decides which call or report a fault hits. `switches.ts` lists the faults. */

import { type Effect, effectProblem, type Target } from './switches.ts'

/** A switch to turn on. `nth` says which call or report it hits, counted from now on: the first unless said otherwise. */
export type FaultRule = { readonly endpoint: Target; readonly nth?: number | 'all'; readonly effect: Effect }

/** A rule that is on, and how many calls or reports it has counted, whether it hit them or not. */
export type SetFault = FaultRule & { readonly calls: number }

export type Faults = {
  /** Throws where the rule can have no effect: a test must not believe in a fault that never happens. */
  add(rule: FaultRule): void
  /** The switches that are on. */
  list(): readonly SetFault[]
  /** Turns all switches off. */
  clear(): void
  /** Counts one call, report or callback and gives the effects that hit it. */
  take(target: Target): readonly Effect[]
}

export function createFaults(): Faults {
  const rules: { readonly rule: FaultRule; calls: number }[] = []
  return {
    add: (rule) => {
      const problem = ruleProblem(rule)
      if (problem !== undefined) throw new Error(`not a fault: ${problem}`)
      rules.push({ rule, calls: 0 })
    },
    list: () => rules.map(({ rule, calls }) => ({ ...rule, calls })),
    clear: () => {
      rules.length = 0
    },
    take: (target) => {
      const counted = rules.filter(({ rule }) => rule.endpoint === target)
      for (const entry of counted) entry.calls += 1
      const hit = counted.filter(({ rule, calls }) => rule.nth === 'all' || calls === (rule.nth ?? 1))
      return hit.map(({ rule }) => rule.effect)
    },
  }
}

/** Says what is wrong with a rule, which may have come as JSON. Undefined when it is right. */
export function ruleProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'a rule has endpoint, effect and optionally nth'
  const { endpoint, effect, nth } = value as Record<string, unknown>
  const countable = nth === undefined || nth === 'all' || (Number.isInteger(nth) && Number(nth) > 0)
  return countable ? effectProblem(endpoint, effect) : "nth is a whole number from 1, or 'all'"
}
