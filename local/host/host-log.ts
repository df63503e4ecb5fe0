import type { LogCategory, LogLevel } from './core-types.ts'

/** Takes one line at a time, without its end. */
export type Log = (line: string) => void

const HIDDEN: readonly LogLevel[] = ['trace', 'debug', 'none']

/**
 * Writes what an app logs, one line each: JSON as it is, anything else after its time, level and function. Hides what
 * Azure hides by default, and the library's own chatter.
 */
export function writeAppLog(log: Log, level: LogLevel, category: LogCategory, name: string, message: string): void {
  if (HIDDEN.includes(level)) return
  if (category === 'system' && level === 'information') return
  log(isJson(message) ? message : `${new Date().toISOString()} ${level} ${name}: ${oneLine(message)}`)
}

/** An error as one line, with its stack: the host shows what a function threw, whatever it threw. */
export function errorLine(error: unknown): string {
  return oneLine(error instanceof Error ? (error.stack ?? error.message) : String(error))
}

/** The message of an error alone, with its code, for what is expected to go wrong. */
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
