import type { Form } from '../feeds/form.ts'
import { type RangedRow, restsUntil } from '../ledger/feed-row.ts'
import {
  type Failed,
  type Figures,
  isOpen,
  type Landed,
  type Landing,
  type LedgerEntry,
  type Requested,
  type Requesting,
} from '../ledger/ledger.ts'
import { sharedFields } from '../ledger/ledger-row.ts'
import { type PlanRow, rebuiltPlan, withWindow } from '../ledger/plan-row.ts'
import { isOutOfRange, withinReach } from '../ledger/reach.ts'
import { toPlanned, toReopened, toRequested, toRequesting } from '../ledger/transitions.ts'
import { healsAt, type WakeRules } from '../ledger/wake.ts'
import type { Generation } from '../report/generation.ts'
import { earliest, later } from '../time/instants.ts'
import { type Window, type WindowId, windowId } from '../time/window.ts'
import { dueAt, nextDue, settledAt } from './due-windows.ts'
import type { RangedFeed } from './feed-history.ts'
import { planOf } from './known-feed.ts'
import type { PacingLimits } from './pacing.ts'
import {
  dueRequests,
  type FeedPlan,
  mayAskFrom,
  PRIORITIES,
  type Priority,
  priorityOf,
  type RequestAction,
  refreshDueAt,
} from './plan.ts'
import { refreshAt } from './refresh.ts'
import { sweepAction } from './sweep.ts'

// One feed of an account that is played tick by tick: what of it is due, under way and asleep.

/** One report that the app will ask for. */
export type Rehearsed = {
  readonly feed: string
  readonly window: Window
  readonly priority: Priority
  readonly at: Date
  readonly landsAt: Date
}

/** A window that falls out of the service's range before its turn comes. */
export type Missed = { readonly row: RangedRow; readonly window: Window; readonly at: Date }

type OpenEntry = Requesting | Requested | Landing
type OpenReport = { readonly entry: OpenEntry; readonly landsAt: Date; readonly isHistory: boolean }

export type OpenFeed = ReturnType<typeof openFeed>

type OfAccount = { readonly limits: PacingLimits; readonly rules: WakeRules }

/** One feed while its account is played from `start` on. A report of it takes `reportMs`. */
export function openFeed(known: RangedFeed, { limits, rules }: OfAccount, reportMs: number, start: Date) {
  const { row } = known
  const { name } = row.feed
  const missed: Missed[] = []
  const entries = new Map(known.entries.map((entry) => [windowId(entry.window), entry]))
  const planned = new Set(known.entries.filter((entry) => entry.state === 'planned'))
  // A feed that asks for nothing has nothing that wakes.
  const isAsleep = (entry: LedgerEntry): entry is Landed | Failed => row.feed.enabled && sleeps(entry)
  const asleep = new Set(known.entries.filter(isAsleep))
  const open = new Map(known.entries.flatMap((entry) => openNow(entry, start, reportMs)))
  let plan: PlanRow = rebuiltPlan(name, planOf(known).spans, undefined, start)
  let lists: ReadonlyMap<Priority, readonly RequestAction[]> = new Map()
  let staleAt: Date | undefined = start

  /** What is due of a priority, in its order. It is made anew only when time or a sweep changed more than was asked for. */
  function dueOf(priority: Priority, tick: Date): readonly RequestAction[] {
    if (staleAt !== undefined && tick >= staleAt) {
      const state = { row, spans: plan.spans, planned: [...planned] }
      const all = dueRequests(tick, state)
      lists = Map.groupBy(all, (action) => action.priority)
      staleAt = row.blocked ? undefined : listChangesAt(state, all, tick)
    }
    return lists.get(priority) ?? []
  }

  function land(at: Date): void {
    for (const [id, { entry, landsAt }] of open) {
      if (landsAt > at) continue
      const landed = toRehearsedLanding(row, entry, landsAt)
      open.delete(id)
      entries.set(id, landed)
      if (isAsleep(landed)) asleep.add(landed)
    }
  }

  return {
    /** What fell out of the service's range before its turn came. */
    missed: missed as readonly Missed[],

    /** The entry of a window as it is at an instant. */
    entry(window: string, at: Date): LedgerEntry | undefined {
      land(at)
      return entries.get(window as WindowId)
    },

    sweep(at: Date): void {
      land(at)
      for (const entry of asleep) {
        const action = sweepAction(at, row, entry, rules)
        if (action?.kind !== 'ask-again' && action?.kind !== 'reopen') continue
        const next = action.kind === 'reopen' ? toReopened(action.entry, at) : toPlanned(entry, 'refresh', at, 0)
        asleep.delete(entry)
        planned.add(next)
        entries.set(windowId(next.window), next)
        staleAt = at
      }
    },

    /** What may be asked for in a tick: of each priority no more than the account can have in flight. */
    due(tick: Date): readonly RequestAction[] {
      if (restsUntil(row, tick)) return []
      return PRIORITIES.flatMap((priority) => {
        const heads: RequestAction[] = []
        for (const action of dueOf(priority, tick)) {
          if (heads.length === limits.maxInFlight) break
          if (!isOutOfRange(row, action.window, tick)) heads.push(action)
          else {
            take(action)
            missed.push({ row, window: action.window, at: tick })
          }
        }
        return heads
      })
    },

    requesting({ previous, window, lane }: RequestAction, at: Date) {
      const from = previous?.state === 'planned' ? previous : { feed: name, window, lane, removedAttempt: 0 }
      const asked = { rowSet: row.form.rowSet, selection: row.form.selection }
      return toRequesting(from, { reportName: '', queryId: '', asked, requestedAt: at })
    },

    request(action: RequestAction, requesting: Requesting, at: Date): Rehearsed {
      const { window, priority } = action
      const id = windowId(window)
      const entry = toRequested(requesting, '', at, rules.reportDeadlineMs)
      const landsAt = new Date(at.getTime() + reportMs)
      take(action)
      entries.set(id, entry)
      open.set(id, { entry, landsAt, isHistory: priority === 'backfill' })
      return { feed: name, window, priority, at, landsAt }
    },

    /** When the feed's history goes on: `tick` where some is due or under way, undefined where nothing of it is to come. */
    nextHistory(tick: Date): Date | undefined {
      land(tick)
      if ([...open.values()].some(({ isHistory }) => isHistory)) return tick
      if (dueOf('backfill', tick).length > 0) return tick
      if (row.blocked || row.backfillPaused || !row.feed.enabled) return undefined
      const next = nextDue(withinReach(row), { since: new Date(row.since), taken: plan.spans, now: tick }, 'backfill')
      const waiting = [...planned].filter((entry) => priorityOf(tick, row, entry) === 'backfill')
      return earliest([next, ...waiting.map((entry) => mayAskFrom(row, entry, tick))])
    },

    /** Before this nothing of the feed changes: `tick` where some is due or under way, undefined where nothing will. */
    nextChange(tick: Date): Date | undefined {
      land(tick)
      if (open.size > 0 || PRIORITIES.some((priority) => dueOf(priority, tick).length > 0)) return tick
      return earliest([staleAt, ...[...asleep].map(wakesAt)])
    },
  }

  function take(action: RequestAction): void {
    const left = (lists.get(action.priority) ?? []).filter((each) => each !== action)
    lists = new Map([...lists, [action.priority, left]])
    if (action.previous?.state === 'planned') planned.delete(action.previous)
    else plan = withWindow(plan, action.window) ?? plan
  }
}

/** When a feed's list of due windows changes by time alone; undefined where it does not. */
function listChangesAt({ row, spans, planned }: FeedPlan, due: readonly RequestAction[], tick: Date): Date | undefined {
  const { feed, nextTrial, since } = row
  const taken = [...spans, ...due.map(({ window }) => window)]
  const next = nextDue(withinReach(row), { since: new Date(since), taken, now: tick }, row.backfillPaused && 'live')
  const ofPlanned = planned.flatMap((entry) => [
    entry.notBefore,
    entry.window.to,
    dueAt(feed, entry.window),
    settledAt(feed, entry.window),
    refreshDueAt(tick, row, entry),
  ])
  const trial = nextTrial === undefined ? [] : [new Date(nextTrial)]
  return earliest([...(feed.enabled ? [next] : []), ...trial, ...ofPlanned].filter((at) => at && at > tick))
}

/** Whether the sweep makes a window `planned` again some day. */
function sleeps(entry: LedgerEntry): entry is Landed | Failed {
  return (entry.state === 'landed' || entry.state === 'failed') && wakesAt(entry) !== undefined
}

/** When the sweep makes a window `planned` again. */
function wakesAt(entry: Landed | Failed): Date | undefined {
  return entry.state === 'landed' ? entry.refreshAt : healsAt(entry)
}

/** What is under way now. A landing needs no more of the service's time. */
function openNow(entry: LedgerEntry, now: Date, reportMs: number): readonly (readonly [WindowId, OpenReport])[] {
  if (!isOpen(entry)) return []
  const ready = entry.state === 'landing' ? now : later(now, new Date(entry.requestedAt.getTime() + reportMs))
  return [[windowId(entry.window), { entry, landsAt: ready, isHistory: entry.lane === 'backfill' }]]
}

/** A report is assumed to land with rows. */
function toRehearsedLanding(row: RangedRow, entry: OpenEntry, at: Date): Landed {
  const { requestedAt, window } = entry
  const { running: _, removedAt: __, ...before } = entry.figures ?? { ...NO_FIGURES, ...row.form }
  const isRunning = requestedAt < settledAt(row.feed, window)
  const figures: Figures = {
    ...before,
    requestedAt,
    landedAt: at,
    origin: 'service',
    verdict: 'rows',
    ...(isRunning && { running: true }),
  }
  const refresh = refreshAt(row, window, figures, at)
  const kept = { ...sharedFields(entry), tries: 0, heals: 0, figures }
  return { ...kept, ...(refresh && { refreshAt: refresh }), state: 'landed' }
}

const NO_FIGURES: Omit<Figures, keyof Form | 'requestedAt' | 'landedAt'> = {
  attempt: 1,
  generation: '000000000000' as Generation,
  origin: 'service',
  reportId: '',
  executionId: '',
  rowsRead: 0,
  rowsLanded: 0,
  rowsRejected: 0,
  bytes: 0,
  sha256: '',
  totals: {},
  archive: '',
  table: '',
  milliseconds: { check: 0, write: 0, count: 0 },
  operations: 0,
  verdict: 'rows',
  emptyColumns: [],
}
