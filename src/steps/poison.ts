import { failed, isFailure } from '../core/failures.ts'
import { isFeedName } from '../core/feeds/feed.ts'
import { letGo } from '../core/ledger/drop.ts'
import type { Landing, Requested } from '../core/ledger/ledger.ts'
import { toFailed, toRested } from '../core/ledger/transitions.ts'
import { HOUR_MS } from '../core/time/durations.ts'
import { parseWindowId, windowId } from '../core/time/window.ts'
import { safeText } from '../services/safe-text.ts'
import { type IngestMessage, readIngestMessage } from '../services/storage/work-queue.ts'
import { endAttempt } from './ledger/end-attempt.ts'
import { nameOf } from './ledger/job.ts'
import type { Services } from './services.ts'

/** An attempt whose message failed five times is tried again after this. */
const REST_MS = HOUR_MS

/**
 * Takes a message that ingest could not finish. The entry rests for an hour; the second time it becomes `failed`. A message
 * that names no open attempt becomes an event. Never throws, because there is no queue behind this one.
 */
export async function poison(body: unknown, services: Services): Promise<void> {
  try {
    const message = readIngestMessage(body)
    const found = message && (await openAttempt(message, services))
    if (!found) return services.emit({ event: 'message.ignored', message: 'a poison message names no open attempt' })
    await giveBack(services, found.value, found.etag)
  } catch (error) {
    const reason = error instanceof Error ? safeText(error.message) : 'unknown error'
    services.emit({ event: 'message.ignored', message: `a poison message could not be taken: ${reason}` })
  }
}

async function openAttempt({ feed, window, attempt }: IngestMessage, { ledger }: Services) {
  const span = parseWindowId(window)
  const stored = span && isFeedName(feed) ? await ledger.read(feed, windowId(span)) : undefined
  if (!stored || isFailure(stored)) return undefined
  const { value, etag } = stored
  const open = value.state === 'requested' || value.state === 'landing'
  return open && value.attempt === attempt ? { value, etag } : undefined
}

async function giveBack(services: Services, entry: Requested | Landing, etag: string): Promise<void> {
  const now = services.clock()
  const message = `${nameOf(entry)}: its message failed again and again; see the exceptions of the ingest function`
  const failure = failed('poison', message)
  const isSecond = entry.lastError?.kind === 'poison' && entry.lastError.at >= entry.requestedAt
  const next = isSecond
    ? toFailed(entry, failure, now)
    : toRested(entry, new Date(now.getTime() + REST_MS), { kind: 'poison', message, at: now })
  const row = await services.ledger.readFeed(entry.feed)
  const drops = row && !isFailure(row) ? letGo(entry, next, row.value.feed.table, now) : undefined
  await endAttempt(services, next, etag, failure, drops)
}
