import type { Failure } from '../failures.ts'
import { DAY_MS } from '../time/durations.ts'
import type { Window } from '../time/window.ts'
import {
  type Codec,
  type Codecs,
  count,
  isoInstant,
  json,
  list,
  object,
  readFields,
  readStored,
  unfit,
  writeFields,
} from './codec.ts'

/** The version of the stored form; a reader refuses another. */
const PLAN_VERSION = 1

/** The RowKey of the plan row, in the partition of its feed. It comes after the keys of all entries. */
export const PLAN_KEY = '_plan'

/**
 * Which of a feed's time its entries take. Whatever creates an entry replaces this row in the same transaction, so no two
 * entries ever overlap, whatever their keys are. Removing one frees its time only after the entry is gone.
 */
export type PlanRow = {
  readonly feed: string
  /** The time that entries take, in whole days, merged and in order. */
  readonly spans: readonly Window[]
  /** The highest attempt of any entry that was removed: a new entry starts above it. */
  readonly removedAttempt: number
  /** When the row was last rebuilt from the entries. */
  readonly auditedAt: Date
}

/** The row of a feed whose entries take these windows. */
export function rebuiltPlan(feed: string, windows: readonly Window[], before: PlanRow | undefined, now: Date): PlanRow {
  return { feed, spans: merged(windows), removedAttempt: before?.removedAttempt ?? 0, auditedAt: now }
}

/** The row with one more entry; undefined where another entry takes a part of its time. */
export function withWindow(plan: PlanRow, window: Window): PlanRow | undefined {
  if (takes(plan, window)) return undefined
  return { ...plan, spans: merged([...plan.spans, window]) }
}

/** The row before an entry is removed whose last attempt was `attempt`. */
export function withRemovedAttempt(plan: PlanRow, attempt: number): PlanRow {
  return { ...plan, removedAttempt: Math.max(plan.removedAttempt, attempt) }
}

/** The row once an entry is removed. */
export function withoutWindow(plan: PlanRow, window: Window): PlanRow {
  const [gone] = merged([window])
  return { ...plan, spans: plan.spans.flatMap((span) => (gone ? without(span, gone) : span)) }
}

/** Whether an entry takes a part of a window's time. */
export function takes({ spans }: Pick<PlanRow, 'spans'>, window: Window): boolean {
  return spans.some((span) => span.from < window.to && window.from < span.to)
}

function without(span: Window, gone: Window): readonly Window[] {
  if (gone.to <= span.from || span.to <= gone.from) return [span]
  const before = { from: span.from, to: gone.from }
  const after = { from: gone.to, to: span.to }
  return [before, after].filter(({ from, to }) => from < to)
}

/** Whole days that hold the windows, with what touches made one. */
function merged(windows: readonly Window[]): readonly Window[] {
  const days = windows.map(wholeDays).sort((a, b) => a.from.getTime() - b.from.getTime())
  const spans: Window[] = []
  for (const day of days) {
    const last = spans.at(-1)
    if (!last || last.to < day.from) spans.push(day)
    else if (last.to < day.to) spans.splice(-1, 1, { from: last.from, to: day.to })
  }
  return spans
}

function wholeDays({ from, to }: Window): Window {
  return {
    from: new Date(Math.floor(from.getTime() / DAY_MS) * DAY_MS),
    to: new Date(Math.ceil(to.getTime() / DAY_MS) * DAY_MS),
  }
}

/** Days since 1970. */
const span: Codec<Window> = {
  write: ({ from, to }) => [from.getTime() / DAY_MS, to.getTime() / DAY_MS],
  read(stored) {
    const [from, to, ...rest] = list(count).read(stored)
    if (from === undefined || to === undefined || rest.length > 0 || from >= to) return unfit('a span of days')
    return { from: new Date(from * DAY_MS), to: new Date(to * DAY_MS) }
  },
}

type Stored = Omit<PlanRow, 'feed'> & { readonly v: number }

const PLAN: Codecs<{ readonly plan: Stored }> = {
  plan: json<Stored>(object<Stored>({ v: count, spans: list(span), removedAttempt: count, auditedAt: isoInstant })),
}

/** Gives the stored form of a plan row, without its keys. */
export function toPlanFields({ feed: _, ...rest }: PlanRow): { readonly plan: string } {
  return writeFields(PLAN, { plan: { v: PLAN_VERSION, ...rest } }) as { plan: string }
}

/** Reads a stored plan row; anything that does not fit is a failure, never a guess. */
export function fromPlanFields(feed: string, row: Readonly<Record<string, unknown>>): PlanRow | Failure {
  return readStored(`ledger row ${feed} ${PLAN_KEY}`, () => {
    const { v, ...rest } = readFields(PLAN, row).plan
    return v === PLAN_VERSION ? { feed, ...rest } : unfit(`of a version that this app knows: ${v}`)
  })
}
