import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What ends a command: Ctrl-C, and how systems and terminals end a process. */
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Does work that needs room on disk, in a folder that only this user can read. The folder is gone afterwards, also after an
 * error and after Ctrl-C, which gives `interrupted` and aborts the signal. A second Ctrl-C ends the process at once.
 */
export async function inTemporaryFolder<T>(
  work: (folder: string, signal: AbortSignal) => Promise<T>,
): Promise<T | 'interrupted'> {
  const stop = new AbortController()
  const end = () => (stop.signal.aborted ? process.exit(130) : stop.abort())
  for (const signal of ENDS) process.on(signal, end)
  const folder = mkdtempSync(join(tmpdir(), 'partner-insights-sync-'))
  const removeNow = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  process.on('exit', removeNow)
  const working = work(folder, stop.signal)
  // After Ctrl-C nobody waits for it: a call to the storage may take long to end.
  working.catch(() => undefined)
  try {
    const interrupted = once(stop.signal, 'abort').then(() => 'interrupted' as const)
    return stop.signal.aborted ? 'interrupted' : await Promise.race([working, interrupted])
  } finally {
    // Windows lets go of a file only when whoever writes it has closed it.
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
    process.off('exit', removeNow)
    for (const signal of ENDS) process.off(signal, end)
  }
}
