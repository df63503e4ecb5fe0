import { isLoopback } from '../../core/address.ts'
import { type Finding, forgedFinding, healthFinding, problem, warning } from '../../core/doctor.ts'
import { reasonOf } from '../../services/safe-text.ts'
import type { Patient } from './patient.ts'

/** A callback whose token has the right length but is never valid. */
const FORGED = `doctor/20250101T000000Z_20250201T000000Z/1/${'x'.repeat(43)}`

/** Checks that the app answers at the callback address and refuses a forged callback. */
export async function checkCallback({ means }: Patient): Promise<readonly Finding[]> {
  const { callback } = means.services.settings
  if (!callback) {
    return [
      warning(
        'callback',
        'they are off, so the app polls for reports',
        'Set CALLBACK_BASE_URL to land reports sooner. With --azd-env this says nothing of the app: use doctor --app.',
      ),
    ]
  }
  const { baseUrl } = callback
  const health = await askStatus(baseUrl.replace(/\/callback$/, '/health'), 'GET', means.limitMs)
  if (typeof health !== 'number') return [health]
  const forged = await askStatus(`${baseUrl}/${FORGED}`, 'POST', means.limitMs)
  return [healthFinding(health), ...(health === 200 ? [toFinding(forged)] : [])]
}

function toFinding(answer: number | Finding): Finding {
  return typeof answer === 'number' ? forgedFinding(answer) : answer
}

async function askStatus(url: string, method: string, limitMs: number): Promise<number | Finding> {
  try {
    const response = await fetch(url, { method, redirect: 'manual', signal: AbortSignal.timeout(limitMs) })
    await response.body?.cancel()
    return response.status
  } catch (error) {
    return silence(new URL(url), reasonOf(error))
  }
}

function silence({ host, hostname }: URL, reason: string): Finding {
  if (isLoopback(hostname)) {
    const remedy =
      'Start the app on this machine: "npm start", or "func start". An app elsewhere needs an address that the internet can reach.'
    return problem(
      'callback',
      `nothing answers at ${host} of this machine, as in CALLBACK_BASE_URL (${reason})`,
      remedy,
    )
  }
  const remedy = 'Set CALLBACK_BASE_URL to an address of the app that the internet can reach, or set it to off.'
  return problem('callback', `nothing answers at CALLBACK_BASE_URL (${reason})`, remedy)
}
