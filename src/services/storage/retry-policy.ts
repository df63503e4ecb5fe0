import { setTimeout as pause } from 'node:timers/promises'
import {
  isRestError,
  type PipelinePolicy,
  type PipelineRequest,
  type PipelineResponse,
  type SendRequest,
} from '@azure/core-rest-pipeline'

/** How long calls to storage, and the waits between their tries, may take. */
export type RetryLimits = {
  /** The time that a call may take with all its tries. */
  readonly callMs: number
  /** The time that one try may take. */
  readonly tryMs: number
  /** The wait after the first try. */
  readonly waitMs: number
}

/** The lease of a landing relies on this: each storage call, with its retries, ends within 30 s. */
export const RETRY_LIMITS: RetryLimits = { callMs: 30_000, tryMs: 10_000, waitMs: 250 }

/** With less time, a busy emulator would look like storage that does not answer. Only tests have leases so short. */
const SHORTEST_CALL_MS = 5_000

/** The limits that fit a lease: a call ends within a quarter of it, and within 30 s. */
export function retryLimits(leaseMs: number): RetryLimits {
  const callMs = Math.min(Math.max(leaseMs / 4, SHORTEST_CALL_MS), RETRY_LIMITS.callMs)
  return { callMs, tryMs: Math.min(RETRY_LIMITS.tryMs, callMs), waitMs: RETRY_LIMITS.waitMs }
}

/** Each wait is twice the last, up to this. With longer ones, storage that recovers would stand idle. */
const LONGEST_WAIT_MS = 4_000

/** Busy, too slow, or broken for the moment: the same request may be answered later. */
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504])

type Try = { readonly response: PipelineResponse } | { readonly error: unknown }

/**
 * Repeats a call that got no answer or a transient error (408, 429, 5xx). Each wait is longer, and at least as long as
 * the service asks. Stops when another try could not end in time, and gives what the last try gave. The SDK's own
 * policy limits the number of tries, not their time, and takes a try that hangs for a cancelled call.
 */
export function retryPolicy({ callMs, tryMs, waitMs }: RetryLimits): PipelinePolicy {
  return {
    name: 'storageRetryPolicy',
    async sendRequest(request, next) {
      const end = performance.now() + callMs
      for (let nextWaitMs = waitMs; ; nextWaitMs = Math.min(nextWaitMs * 2, LONGEST_WAIT_MS)) {
        request.timeout = Math.max(1, Math.min(tryMs, end - performance.now()))
        const last = await tryOnce(request, next)
        const delayMs = Math.max(nextWaitMs, askedForMs(last))
        if (!isTransient(last, request) || performance.now() + delayMs >= end) return answerOf(last)
        await pause(delayMs)
      }
    },
  }
}

async function tryOnce(request: PipelineRequest, next: SendRequest): Promise<Try> {
  try {
    return { response: await next(request) }
  } catch (error) {
    return { error }
  }
}

function answerOf(last: Try): PipelineResponse {
  if ('error' in last) throw last.error
  return last.response
}

function isTransient(last: Try, { abortSignal }: PipelineRequest): boolean {
  if (abortSignal?.aborted) return false
  if ('response' in last) return TRANSIENT.has(last.response.status)
  // Any other error does not come from the network: a failed sign-in, for example.
  return isRestError(last.error) || (last.error instanceof Error && last.error.name === 'AbortError')
}

/** The wait that the service asks for. */
function askedForMs(last: Try): number {
  const seconds = 'response' in last ? Number(last.response.headers.get('Retry-After')) : 0
  return seconds > 0 ? seconds * 1000 : 0
}
