import { isFailure } from '../../core/failures.ts'
import { TICK_KEY, type TickRow } from '../../core/ledger/app-rows.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import type { LedgerEntry } from '../../core/ledger/ledger.ts'
import { wasClockAhead } from '../../core/plan/audit.ts'
import { waitsUntil } from '../../core/plan/pacing.ts'
import type { RequestAction } from '../../core/plan/plan.ts'
import { inTurns, openTurn } from '../../core/plan/turns.ts'
import { DELETE_ROW } from '../../core/status/feed-to-do.ts'
import { parseWindowId, windowId } from '../../core/time/window.ts'
import type { AppRows } from '../../services/storage/ledger.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'
import { type AccountInTick, slotKey } from './account-in-tick.ts'
import { type DueOfFeed, readDue } from './due-of-feed.ts'
import { lookOnceADay } from './look-at-datasets.ts'
import { pacingOf } from './pacing-row.ts'
import { requestReport } from './request-report.ts'
import { signInAllows, trySignIn } from './try-sign-in.ts'

/** What an account did in a tick: reports that were asked for, and windows that were due and wait. */
export type TurnTaken = { readonly requested: number; readonly waiting: number }

/** Asks for the due windows of one account's feeds, as far as its quota goes. */
export async function takeTurn(
  services: Services,
  app: AppRows,
  account: string,
  rows: readonly FeedOutline[],
): Promise<TurnTaken> {
  const pacing = pacingOf(app, account)
  if (isFailure(pacing)) {
    const { kind, message } = pacing
    const event = { event: 'app.settings', kind, message, remedy: DELETE_ROW } as const
    await tellOnce(services, `unreadable~pacing~${account}`, event)
    return { requested: 0, waiting: 0 }
  }
  const mayAsk =
    waitsUntil(pacing.value, services.clock()) === undefined && (await signInAllows(services, account, pacing, rows))
  // Before anything is asked for: so a change is told before a report fails of it.
  const datasets = mayAsk ? await lookOnceADay(services, account, pacing, rows) : undefined
  const due: DueOfFeed[] = []
  // One after the other: an audit holds many entries.
  const wasAhead = wasClockAhead(app.get(TICK_KEY)?.value as TickRow | undefined, services.clock())
  for (const row of rows) due.push(await readDue(services, row, mayAsk, pacing.value.signedInAt, wasAhead))
  const actions = inTurns(
    due.flatMap((each) => each.actions),
    pacing.value.served,
  )
  const tick: AccountInTick = {
    name: account,
    pacing,
    feeds: rows,
    datasets,
    rows: new Map(),
    plans: new Map(due.flatMap(({ plan }) => (plan ? [[plan.value.feed, plan]] : []))),
    etags: new Map(due.flatMap(({ etags }) => [...etags])),
    open: actions.length > 0 ? await readOpen(services, pacing.value.open) : new Map(),
    unanswered: new Set(),
  }
  // Without anything to ask for, nothing else would show that the sign-in works again.
  if (mayAsk && actions.length === 0) await trySignIn(services, account, pacing, rows)
  return requestAll(services, tick, actions)
}

/** Asks for windows one by one, because each request changes the pacing row that decides about the next. */
async function requestAll(
  services: Services,
  tick: AccountInTick,
  actions: readonly RequestAction[],
): Promise<TurnTaken> {
  const { isOver, end } = openTurn()
  let requested = 0
  for (const action of actions) {
    if (isOver(action)) continue
    const result = await requestReport(services, tick, action)
    if (result === 'account') break
    if (result === 'feed' || result === 'priority') end(result, action)
    if (result === 'requested') requested++
  }
  return { requested, waiting: actions.length - requested }
}

/** The entries of the reports that may be under way, of all feeds of the account, also of those that left feeds.json. */
async function readOpen(
  { ledger }: Services,
  slots: readonly { readonly feed: string; readonly window: string }[],
): Promise<Map<string, LedgerEntry>> {
  const entries = await Promise.all(
    slots.map(async ({ feed, window }) => {
      const span = parseWindowId(window)
      const stored = span && (await ledger.read(feed, windowId(span)))
      return stored && !isFailure(stored) ? [[slotKey(feed, window), stored.value] as const] : []
    }),
  )
  return new Map(entries.flat())
}
