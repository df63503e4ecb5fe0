/** What `npm start` prints while it runs. */

import { counted } from '../../src/core/counted.ts'
import type { AppEvent } from '../../src/core/events.ts'

/** Turns an event in a line of the host into a line for people. Undefined for any other line. */
export function progressLine(line: string): string | undefined {
  if (!line.startsWith('{"event":')) return undefined
  const event = JSON.parse(line) as AppEvent
  const subject = [event.feed, event.window && spanOf(event.window)].filter(Boolean).join(' ')
  const detail = DETAILS[event.event]?.(event) ?? event.message ?? ''
  const remedy = event.remedy ? `\n    ${event.remedy}` : ''
  return `  ${event.event.padEnd(16)} ${subject}  ${detail}${remedy}`.trimEnd()
}

const DETAILS: Partial<Record<AppEvent['event'], (event: AppEvent) => string>> = {
  'window.requested': ({ attempt }) => `attempt ${attempt}`,
  'window.archived': ({ count = 0 }) => counted(count, 'byte'),
  'window.landed': ({ count = 0 }) => counted(count, 'row'),
  'window.rejects': ({ count = 0 }) => `${counted(count, 'row')} can't land`,
  'window.doubtful': ({ count = 0 }) => `${counted(count, 'row')} that a stray quote may have made of several`,
  'window.erased': ({ count = 0 }) => `${counted(count, 'row')} left out`,
  'window.removed': ({ count = 0 }) => `${counted(count, 'row')} removed`,
  'feed.empty-between-full': ({ count = 0 }) => `${counted(count, 'empty window')} between full ones`,
  'quota.reduced': ({ count = 0, message }) => `${message}; ${counted(count, 'report')} an hour from now on`,
  'window.failed': ({ kind, message }) => `${kind}: ${message}`,
}

/** `20250301T000000Z_20250401T000000Z` as `2025-03-01..2025-04-01`. */
export function spanOf(window: string): string {
  const day = (text = '') => `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}`
  const [from, to] = window.split('_')
  return `${day(from)}..${day(to)}`
}
