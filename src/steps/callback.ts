import { isFeedName } from '../core/feeds/feed.ts'
import { isServiceId } from '../core/names.ts'
import { parseWindowId } from '../core/time/window.ts'
import { verifyToken } from '../services/insights/callback-token.ts'
import type { Services } from './services.ts'

/** The parts of a callback's address, as anyone may send them. */
export type CallbackRequest = {
  readonly feed: string
  readonly window: string
  readonly attempt: string
  readonly token: string
  readonly reportId: string | undefined
}

/**
 * Takes a callback of the service: a hint that a report may be ready. The token proves only that we made the address, and
 * storage is not touched before it is verified. Gives the HTTP status to answer: 202, or 404 for anything else.
 */
export async function callback(
  request: CallbackRequest,
  { settings, queue }: Pick<Services, 'settings' | 'queue'>,
): Promise<202 | 404> {
  const { feed, window, reportId } = request
  const attempt = /^[1-9]\d{0,8}$/.test(request.attempt) ? Number(request.attempt) : undefined
  if (!settings.callback || attempt === undefined || !isFeedName(feed) || !parseWindowId(window)) return 404
  if (!verifyToken(request.token, settings.callback.secrets, { feed, window, attempt })) return 404
  const known = reportId !== undefined && isServiceId(reportId)
  await queue.send({ feed, window, attempt, ...(known && { reportId }) })
  return 202
}
