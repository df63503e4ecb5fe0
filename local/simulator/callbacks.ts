/** Calls back when a report is ready. */

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { statusOf } from './executions.ts'
import type { Service } from './service.ts'
import type { Execution, Report } from './state.ts'

export type Callbacks = {
  /** Calls back for every execution that completed since the last look. */
  look(): void
  stop(): Promise<void>
}

const LOOK_MS = 20
const TIMEOUT_MS = 10_000

/** The pause before each try. Only a connection that fails is tried again. */
const TRIES_MS = [0, 100, 300, 1000, 3000]

/** Watches the clock and calls back once for each completed execution (docs/insights-api.md). */
export function startCallbacks(service: Service): Callbacks {
  const stopped = new AbortController()
  const open = new Set<Promise<void>>()
  const early = new Set<string>()
  const start = (calling: Promise<void>) => {
    const sent = calling.finally(() => open.delete(sent))
    open.add(sent)
  }
  const look = () => {
    for (const report of takeEarly(service, early)) start(deliver(report, report.reportId, stopped.signal))
    for (const run of announce(service)) start(callBack(service, run, stopped.signal))
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

/** The reports whose callback comes too early, each once. */
function takeEarly({ state }: Service, sent: Set<string>): readonly Report[] {
  const runs = state.executions.filter((run) => run.faults.includes('early') && !sent.has(run.executionId))
  for (const { executionId } of runs) sent.add(executionId)
  return runs.flatMap((run) => state.reports.filter((report) => !report.deleted && report.reportId === run.reportId))
}

/** Gives the executions that completed since the last time, and marks them as announced. */
function announce(service: Service): readonly Execution[] {
  const { state } = service
  const ready = state.executions.filter((run) => !run.announced && statusOf(service, run) === 'Completed')
  if (ready.length === 0) return []
  state.executions = state.executions.map((run) => (ready.includes(run) ? { ...run, announced: true } : run))
  service.save()
  return ready
}

async function callBack({ state }: Service, { reportId, faults }: Execution, signal: AbortSignal): Promise<void> {
  const report = state.reports.find((standing) => !standing.deleted && standing.reportId === reportId)
  if (!report) return
  if (faults.includes('forged')) await deliver(report, randomUUID(), signal)
  const older = faults.includes('stale') && olderReport(state.reports, report)
  if (older) await deliver(older, older.reportId, signal)
  if (faults.includes('lost')) return
  await deliver(report, reportId, signal)
  if (faults.includes('twice')) await deliver(report, reportId, signal)
}

/** The report of the same query and time that was made before this one, deleted or not: an older attempt. */
function olderReport(reports: readonly Report[], { reportId, queryId, queryStartTime }: Report): Report | undefined {
  const before = reports.slice(
    0,
    reports.findIndex((report) => report.reportId === reportId),
  )
  return before.findLast((older) => older.queryId === queryId && older.queryStartTime === queryStartTime)
}

/** Where the service calls back: with POST the id is added to the path, with GET it is the parameter `reportId`. */
export function callbackAddress(callbackUrl: string, method: 'GET' | 'POST', reportId: string): string {
  const [, path = '', query = ''] = /^([^?]*)(.*)$/s.exec(callbackUrl) ?? []
  if (method === 'POST') return `${path.replace(/\/$/, '')}/${reportId}${query}`
  return `${path}${query === '' ? '?' : `${query}&`}reportId=${reportId}`
}

async function deliver(report: Report, reportId: string, signal: AbortSignal): Promise<void> {
  const { callbackUrl, callbackMethod: method } = report
  if (callbackUrl === null) return
  const address = callbackAddress(callbackUrl, method, reportId)
  for (const pauseMs of TRIES_MS) {
    try {
      await pause(pauseMs, undefined, { ref: false, signal })
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
