import { type Failure, isFailure } from '../../core/failures.ts'
import { queryOf, type Send } from './call.ts'
import { failureOf } from './refusals.ts'

/** What shows whether a sign-in has multi-factor: what the service says when it is asked, and what the token says. */
export type MfaSigns = {
  readonly isCompliant: boolean | undefined
  readonly methods: readonly string[] | undefined
}

/**
 * Asks the service whether the token has multi-factor, with a small read. It may leave the question open (Partner Center,
 * 2026: the answer is called `isMfaCompliant`).
 */
export async function checkMfa(send: Send, dataset: string): Promise<MfaSigns | Failure> {
  const about = `dataset ${dataset}`
  const path = `/ScheduledDataset?${queryOf({ datasetName: dataset })}`
  const answer = await send({ method: 'GET', path, about, validatesMfa: true })
  if (isFailure(answer)) return answer
  if (answer.status >= 400 && answer.status !== 404) return failureOf(answer, about)
  return { isCompliant: answer.isMfaCompliant, methods: answer.signInMethods }
}
