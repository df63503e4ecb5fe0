import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { statusOf } from './executions.ts'
import type { Service } from './service.ts'
import type { Report } from './state.ts'

export type Callbacks = {
  /** Announces every execution that completed since the last look. */
  look(): void
  stop(): Promise<void>
}

const LOOK_MS = 20
const TIMEOUT_MS = 10_000

/** Pauses before each try; only a connection that fails is tried again. */
const TRIES_MS = [0, 100, 300, 1000, 3000]

/** Looks at the clock again and again and calls back once for each completed execution (dossier, section 7). */
export function startCallbacks(service: Service): Callbacks {
  const stopped = new AbortController()
  const open = new Set<Promise<void>>()
  const look = () => {
    for (const report of announce(service)) {
      const sent = callBack(service, report, stopped.signal).finally(() => open.delete(sent))
      open.add(sent)
    }
  }
  const timer = setInterval(look, LOOK_MS).unref()
  return {
    look,
    stop: async () => {
      clearInterval(timer)
      stopped.abort()
      await Promise.all(open)
    },
  }
}

/** Marks what completed as announced and gives the reports to call back for. */
function announce(service: Service): readonly Report[] {
  const { state } = service
  const ready = state.executions.filter((run) => !run.announced && statusOf(service, run) === 'Completed')
  if (ready.length === 0) return []
  state.executions = state.executions.map((run) => (ready.includes(run) ? { ...run, announced: true } : run))
  service.save()
  const reportIds = ready.map(({ reportId }) => reportId)
  return state.reports.filter((report) => !report.deleted && reportIds.includes(report.reportId))
}

async function callBack(service: Service, report: Report, signal: AbortSignal): Promise<void> {
  if (report.callbackUrl === null) return
  const effect = service.faults.takeCallback()
  if (effect === 'lost') return
  const call = (reportId: string) =>
    deliver(callbackAddress(report.callbackUrl ?? '', report.callbackMethod, reportId), report.callbackMethod, signal)
  if (effect === 'forged') await call(randomUUID())
  await call(report.reportId)
  if (effect === 'twice') await call(report.reportId)
}

/** POST: the id is one more step of the path. GET: it is the parameter `reportId`. */
export function callbackAddress(callbackUrl: string, method: 'GET' | 'POST', reportId: string): string {
  const [, path = '', query = ''] = /^([^?]*)(.*)$/s.exec(callbackUrl) ?? []
  if (method === 'POST') return `${path.replace(/\/$/, '')}/${reportId}${query}`
  return `${path}${query === '' ? '?' : `${query}&`}reportId=${reportId}`
}

async function deliver(address: string, method: 'GET' | 'POST', signal: AbortSignal): Promise<void> {
  for (const milliseconds of TRIES_MS) {
    try {
      await pause(milliseconds, undefined, { ref: false, signal })
      const answer = await fetch(address, {
        method,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      await answer.body?.cancel()
      return
    } catch {
      if (signal.aborted) return
    }
  }
}
