/** What the host and the app write, one line each. */

import type { LogCategory, LogLevel } from './core-types.ts'

/** Takes one line, without a line break. */
export type Log = (line: string) => void

const HIDDEN: readonly LogLevel[] = ['trace', 'debug', 'none']

/**
 * Writes a message of an app as one line: JSON as it is, anything else after its time, level and function. Hides what
 * Azure hides by default, and the library's own information.
 */
export function writeAppLog(log: Log, level: LogLevel, category: LogCategory, name: string, message: string): void {
  if (HIDDEN.includes(level)) return
  if (category === 'system' && level === 'information') return
  log(isJson(message) ? message : `${new Date().toISOString()} ${level} ${name}: ${oneLine(message)}`)
}

/** What a function threw, as one line: an error with its stack, anything else as text. */
export function errorLine(error: unknown): string {
  return oneLine(error instanceof Error ? (error.stack ?? error.message) : String(error))
}

/** The message of an error with its code, without a stack: for what is expected to go wrong. */
export function errorMessage(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''
  return oneLine(error instanceof Error ? `${error.message}${code}` : String(error))
}

function oneLine(text: string): string {
  return text.replace(/\s*\r?\n\s*/g, ' | ')
}

function isJson(text: string): boolean {
  if (!text.startsWith('{') || text.includes('\n')) return false
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}
