import type { StatusAnswer, WindowAnswer } from '../core/status/fields.ts'
import type { Place, Trouble } from './picture.ts'

/** The answer of the app, or why there is none. */
export type Answer<T> = { readonly answer: T } | { readonly trouble: Trouble }

/** An answer that takes longer is given up. */
const PATIENCE_MS = 30_000

/** The version of the answers that this page understands. */
const VERSION = 1

/** Asks for the status, with the key in a header: an address would be logged. */
export function askStatus(key: string | undefined): Promise<Answer<StatusAnswer>> {
  return ask<StatusAnswer>('status', key)
}

/** Asks for all that is known of one window. */
export function askWindow({ feed, window }: Place, key: string | undefined): Promise<Answer<WindowAnswer>> {
  return ask<WindowAnswer>(`status/${encodeURIComponent(feed)}/${encodeURIComponent(window)}`, key)
}

async function ask<T extends { readonly v: number }>(path: string, key: string | undefined): Promise<Answer<T>> {
  try {
    const response = await fetch(path, {
      headers: key ? { 'x-functions-key': key } : {},
      cache: 'no-store',
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    if (response.status === 401 || response.status === 403) return refused(key)
    if (!response.ok) return trouble(await refusal(response))
    const answer = (await response.json()) as T
    return answer.v === VERSION ? { answer } : trouble('The app has changed: load this page anew.')
  } catch (error) {
    return trouble(`The app does not answer: ${error instanceof Error ? error.message : String(error)}.`)
  }
}

function refused(key: string | undefined): { readonly trouble: Trouble } {
  const sentence = key ? 'The app refuses the key.' : 'The app wants a function key.'
  return { trouble: { sentence, refused: true } }
}

async function refusal(response: Response): Promise<string> {
  const body = (await response.json().catch(() => undefined)) as { readonly remedy?: unknown } | undefined
  const words = typeof body?.remedy === 'string' ? ` ${body.remedy}` : ''
  return `The app answers ${response.status}.${words}`
}

function trouble(sentence: string): { readonly trouble: Trouble } {
  return { trouble: { sentence, refused: false } }
}
