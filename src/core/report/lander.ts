import type { Feed } from '../feeds/feed.ts'
import { alignDown, alignUp, GRAIN } from '../time/calendar.ts'
import { partitionPrefix, type Window } from '../time/window.ts'
import { parseMoment } from './dates.ts'
import { createEntityEncoder, type Entity, type Lineage, type Reject } from './entities.ts'
import type { Layout } from './layout.ts'
import type { ParsedRecord } from './parse.ts'

/** Where the time of a record lies; `unknown` where the file has no time that could tell. */
export type Place = 'inside' | 'outside' | 'empty' | 'unknown'

/** Turns the records of one file into rows of its window, the same in every pass over the file. */
export type Lander = {
  /** Tells where the time of a record lies, at the grain of the dataset: the service may not honour the query times. */
  place(record: ParsedRecord): Place
  /** Gives the row of a record, or why it can't land. `number` counts the records of the file from 0. */
  land(record: ParsedRecord, number: number, place: Place): Entity | Reject
}

export function createLander(feed: Feed, window: Window, layout: Layout, lineage: Lineage): Lander {
  const { columns } = layout
  const encoder = createEntityEncoder({ columns, prefix: partitionPrefix(window), shards: feed.shards, lineage })
  return {
    place: createPlacing(feed, window, layout),
    land: (record, number, place) =>
      place === 'empty' ? timeless(feed, record, number) : encoder.encode(record, number),
  }
}

function createPlacing({ grain }: Feed, window: Window, { timeIndex }: Layout): Lander['place'] {
  if (timeIndex === undefined || !grain) return () => 'unknown'
  const from = alignDown(window.from, GRAIN[grain]).getTime()
  const to = alignUp(window.to, GRAIN[grain]).getTime()
  return ({ verdict, fields }) => {
    // The fields of a record that is not well formed can't be told apart.
    if (verdict) return 'unknown'
    const text = fields[timeIndex] ?? ''
    if (text.trim() === '') return 'empty'
    const moment = parseMoment(text)
    if (!moment) return 'unknown'
    return moment.milliseconds >= from && moment.milliseconds < to ? 'inside' : 'outside'
  }
}

function timeless({ timeColumn }: Feed, { line, raw }: ParsedRecord, number: number): Reject {
  const reason = 'no time: the row belongs to no window'
  return { record: number, line, ...(timeColumn !== undefined && { column: timeColumn }), reason, raw }
}
