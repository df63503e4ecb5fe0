import { readFileSync } from 'node:fs'

const LOOK_EVERY_MS = 500

/**
 * Resolves once the process that started this one is gone, or the npm above it. npm hands a signal to its shell alone, which
 * ends without a word to us, and a killed npm leaves the shell behind.
 */
export function whenOrphaned(): Promise<void> {
  const first = parents()
  return new Promise((resolve) => {
    const look = setInterval(() => {
      if (parents() === first) return
      clearInterval(look)
      resolve()
    }, LOOK_EVERY_MS)
    look.unref()
  })
}

/** The process above this one, and where the system tells, the one above that. */
function parents(): string {
  return `${process.ppid} ${parentOf(process.ppid)}`
}

/** Only Linux has this file. The name of a program, in parentheses, may hold anything. */
function parentOf(pid: number): string {
  try {
    const [, parent = ''] = /^.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return parent
  } catch {
    return ''
  }
}
