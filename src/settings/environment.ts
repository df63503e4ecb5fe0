import { addressProblem } from '../core/address.ts'
import { durationMilliseconds, parseDuration } from '../core/time/durations.ts'

/** The environment of the process, as it is handed in. Only `readSettings` reads it. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads single settings. An empty one counts as absent, and each mistake is added to `problems` with the setting's
 * name.
 */
export function environmentReader(env: Environment, problems: string[]) {
  return {
    /** An address without a slash at its end. */
    url(name: string, fallback: string): string {
      const text = env[name] || fallback
      const problem = addressProblem(text)
      if (problem) problems.push(`${name} ${problem}`)
      return text.replace(/\/+$/, '')
    },
    count(name: string, fallback: number): number {
      const text = env[name] || String(fallback)
      if (!/^[1-9]\d{0,5}$/.test(text)) problems.push(`${name} is "${text}": it takes a whole number from 1`)
      return Number(text)
    },
    bytes(name: string, fallback: number): number {
      const text = env[name] || String(fallback)
      if (!/^[1-9]\d{0,14}$/.test(text)) problems.push(`${name} is "${text}": it takes a whole number of bytes`)
      return Number(text)
    },
    durationMs(name: string, fallback: string): number {
      const duration = parseDuration(env[name] || fallback)
      if (!duration) problems.push(`${name} is "${env[name]}": it takes an ISO 8601 duration, such as ${fallback}`)
      return duration ? durationMilliseconds(duration) : 0
    },
    /** The first of `allowed` is the default. */
    oneOf<T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
      const value = allowed.find((each) => each === (env[name] || allowed[0]))
      if (value === undefined) problems.push(`${name} is "${env[name]}": it takes ${allowed.join(' or ')}`)
      return value ?? allowed[0]
    },
  }
}
