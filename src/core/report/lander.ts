import type { Feed } from '../feeds/feed.ts'
import { alignDown, alignUp, GRAIN } from '../time/calendar.ts'
import type { Window } from '../time/window.ts'
import { parseMoment } from './dates.ts'
import { createEntityEncoder, type Entity, type Lineage, type Reject, rejectOf } from './entities.ts'
import { type Generation, keyRange } from './generation.ts'
import type { Layout } from './layout.ts'
import type { ParsedRecord } from './parse.ts'
import { remembering } from './remember.ts'

/** Lands the records of one file. The check and the write both use it, so that they make the same decisions. */
export type Lander = {
  /** Gives the entity of a record, or a reject if it cannot land. `number` counts the records from 0. */
  land(record: ParsedRecord, number: number): Entity | Reject
  /** Whether the time of the row is outside the window, at the grain of the dataset. False if its time cannot be read. */
  isOutside(record: ParsedRecord): boolean
}

/**
 * Raise it when the same report would land as other rows, count as others, or be written to another file: a landing under way
 * then starts anew.
 */
const LANDING_VERSION = 2

/** Names how a feed lands its files: by its own settings, and by the code. */
export function landingHash({ hash }: Pick<Feed, 'hash'>): string {
  return `${hash}.${LANDING_VERSION}`
}

/** The rows that an attempt lands, and what each of them says of where it came from. */
export type LandedBy = Lineage & { readonly generation: Generation }

export function createLander(feed: Feed, window: Window, { columns, timeIndex }: Layout, by: LandedBy): Lander {
  const { grain, timeColumn, shards } = feed
  const prefix = keyRange(window, by.generation).keyFrom
  const encoder = createEntityEncoder({ columns, prefix, shards, lineage: by })
  if (timeIndex === undefined || !grain || timeColumn === undefined) {
    return { land: (record, number) => encoder.encode(record, number), isOutside: () => false }
  }
  const fromMs = alignDown(window.from, GRAIN[grain]).getTime()
  const toMs = alignUp(window.to, GRAIN[grain]).getTime()
  const isOutside = remembering((text) => {
    const moment = parseMoment(text)
    return moment !== undefined && (moment.milliseconds < fromMs || moment.milliseconds >= toMs)
  })
  return {
    land(record, number) {
      const { verdict, fields } = record
      const hasTime = verdict !== undefined || (fields[timeIndex] ?? '').trim() !== ''
      if (hasTime) return encoder.encode(record, number)
      return rejectOf(record, number, { column: timeColumn, reason: 'is empty, so the row belongs to no window' })
    },
    isOutside: ({ verdict, fields }) => verdict === undefined && isOutside(fields[timeIndex] ?? ''),
  }
}
