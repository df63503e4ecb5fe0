import type { FailureKind } from './failures.ts'

/** What an event is about; docs/troubleshooting.md explains each. */
export type EventName =
  | 'window.requested'
  | 'window.archived'
  | 'window.landed'
  | 'window.failed'
  | 'window.rejects'
  | 'window.doubtful'
  | 'window.rests'
  | 'window.reopened'
  | 'window.restated'
  | 'window.removed'
  | 'window.erased'
  | 'window.halved'
  | 'feed.blocked'
  | 'feed.purged'
  | 'feed.unblocked'
  | 'feed.drift'
  | 'feed.stale'
  | 'feed.fresh'
  | 'feed.empty-between-full'
  | 'feed.column-empty'
  | 'credential.expiring'
  | 'timer.silent'
  | 'queue.old'
  | 'quota.reduced'
  | 'cleanup.failing'
  | 'file.late'
  | 'download.new-host'
  | 'app.settings'
  | 'message.ignored'

/** One JSON log line, written when something changed; it never holds a token, a secret or a signed address. */
export type AppEvent = {
  readonly event: EventName
  readonly feed?: string
  readonly window?: string
  readonly attempt?: number
  readonly kind?: FailureKind
  readonly message?: string
  readonly remedy?: string
  readonly count?: number
}
