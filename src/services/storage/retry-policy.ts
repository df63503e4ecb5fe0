import { setTimeout as pause } from 'node:timers/promises'
import {
  isRestError,
  type PipelinePolicy,
  type PipelineRequest,
  type PipelineResponse,
  type SendRequest,
} from '@azure/core-rest-pipeline'

/** Milliseconds that a call may take with all its tries, that one try may take, and that pass after the first. */
export type RetryLimits = { readonly call: number; readonly once: number; readonly wait: number }

/** The lease of a landing counts on it that each storage call with its retries ends within 30 s. */
export const RETRY_LIMITS: RetryLimits = { call: 30_000, once: 10_000, wait: 250 }

/** Below this, in milliseconds, a busy emulator would look like storage that is away; such leases are for tests. */
const SHORTEST_CALL = 5_000

/** The limits that fit a lease, in milliseconds: a call ends within a quarter of it, and within 30 s. */
export function retryLimits(lease: number): RetryLimits {
  const call = Math.min(Math.max(lease / 4, SHORTEST_CALL), RETRY_LIMITS.call)
  return { ...RETRY_LIMITS, call, once: Math.min(RETRY_LIMITS.once, call) }
}

/** Waits double up to this, so that a service that recovers is not kept waiting. */
const LONGEST_WAIT_MS = 4_000

/** Busy, too slow, or broken for the moment: the same request may be answered later. */
const PASSING = new Set([408, 429, 500, 502, 503, 504])

type Attempt = { readonly response: PipelineResponse } | { readonly error: unknown }

/**
 * Repeats a call that got no answer or a passing one (408, 429, 5xx), waiting longer each time and as long as the
 * service asks, until the next try could not end in time. What the last try gave is what the caller gets. The SDK's own
 * policy counts tries, whatever time they take, and takes a try that hangs for the caller's wish to stop.
 */
export function retryPolicy({ call, once, wait }: RetryLimits): PipelinePolicy {
  return {
    name: 'storageRetryPolicy',
    async sendRequest(request, next) {
      const end = performance.now() + call
      for (let pauseMs = wait; ; pauseMs = Math.min(pauseMs * 2, LONGEST_WAIT_MS)) {
        request.timeout = Math.max(1, Math.min(once, end - performance.now()))
        const last = await attempt(request, next)
        const delay = Math.max(pauseMs, askedFor(last))
        if (!isPassing(last, request) || performance.now() + delay >= end) return answerOf(last)
        await pause(delay)
      }
    },
  }
}

async function attempt(request: PipelineRequest, next: SendRequest): Promise<Attempt> {
  try {
    return { response: await next(request) }
  } catch (error) {
    return { error }
  }
}

function answerOf(last: Attempt): PipelineResponse {
  if ('error' in last) throw last.error
  return last.response
}

function isPassing(last: Attempt, { abortSignal }: PipelineRequest): boolean {
  if (abortSignal?.aborted) return false
  if ('response' in last) return PASSING.has(last.response.status)
  // Other errors are not of the network: a sign-in that failed, say.
  return isRestError(last.error) || (last.error instanceof Error && last.error.name === 'AbortError')
}

/** The wait the service asks for, in milliseconds. */
function askedFor(last: Attempt): number {
  const seconds = 'response' in last ? Number(last.response.headers.get('Retry-After')) : 0
  return seconds > 0 ? seconds * 1000 : 0
}
