import { isFailure } from '../../src/core/failures.ts'
import { type PlanRow, withWindow } from '../../src/core/ledger/plan-row.ts'
import type { Pacing } from '../../src/core/plan/pacing.ts'
import { DAY_MS } from '../../src/core/time/durations.ts'
import type { Window } from '../../src/core/time/window.ts'
import type { Ledger, Stored } from '../../src/services/storage/ledger.ts'
import type { Services } from '../../src/steps/services.ts'

/** A bug of the app, as a change of what its instances see, and what the laws have to say of it. */
type Planted = { readonly plant: (services: Services) => Services; readonly found: RegExp }

const withLedger = (change: (ledger: Ledger) => Partial<Ledger>) => (services: Services) => {
  return { ...services, ledger: { ...services.ledger, ...change(services.ledger) } }
}

/** What a tick believes of which time is taken. */
function seeingSpans(spansOf: (ledger: Ledger, plan: PlanRow) => Promise<readonly Window[]>) {
  return withLedger((ledger) => ({
    async due(feed, timer, now) {
      const due = await ledger.due(feed, timer, now)
      const { plan } = due
      if (!plan || isFailure(plan.value)) return due
      return { ...due, plan: { ...plan, value: { ...plan.value, spans: await spansOf(ledger, plan.value) } } }
    },
    async write(entry, etag, added = {}) {
      if (!added.plan) return ledger.write(entry, etag, added)
      const stored = await ledger.readPlan(entry.feed)
      if (!stored || isFailure(stored.value)) return undefined
      const plan = { value: withWindow(stored.value, entry.window) ?? stored.value, etag: added.plan.etag }
      return ledger.write(entry, etag, { ...added, plan })
    },
  }))
}

/** What a tick believes of what its account asked for. */
function seeingPacing(change: (pacing: Pacing) => Pacing) {
  return withLedger((ledger) => ({
    async appRows() {
      const rows = await ledger.appRows()
      const get = (key: string): Stored<unknown> | undefined => {
        const row = rows.get(key)
        return row && key.startsWith('pacing~') ? { ...row, value: change(row.value as Pacing) } : row
      }
      return { ...rows, get } as typeof rows
    },
  }))
}

/** History is asked for first, and what is new only once there is none left. */
async function newTakenWhileHistoryLacks(ledger: Ledger, { feed, spans }: PlanRow): Promise<readonly Window[]> {
  const stored = await ledger.readFeed(feed)
  if (!stored || isFailure(stored) || stored.value.feed.cadence.kind === 'snapshot') return spans
  const { from } = stored.value.feed.cadence
  const start = 'date' in from ? new Date(from.date) : new Date(0)
  const since = new Date(stored.value.since)
  const isWhole = spans.some((span) => span.from <= start && span.to.getTime() > since.getTime() - 2 * DAY_MS)
  const last = new Date(Math.max(since.getTime(), ...spans.map(({ to }) => to.getTime())))
  return isWhole ? spans : [...spans, { from: last, to: new Date(last.getTime() + 400 * DAY_MS) }]
}

export const PLANTED: Readonly<Record<string, Planted>> = {
  'a tick that forgets which time is taken': {
    plant: seeingSpans(async () => []),
    found: /two entries hold/,
  },
  'a tick that takes more time for taken than is': {
    plant: seeingSpans(async (_, { spans }) =>
      spans.map(({ from, to }) => ({ from, to: new Date(to.getTime() + DAY_MS) })),
    ),
    found: /has no entry/,
  },
  'a tick that forgets what was asked for in this hour': {
    plant: seeingPacing((pacing) => ({ ...pacing, creations: [] })),
    found: /reports in an hour/,
  },
  'a tick that forgets what was refreshed in this hour': {
    plant: seeingPacing((pacing) => ({ ...pacing, refreshes: [] })),
    found: /refreshes in an hour/,
  },
  'a tick that forgets what is under way': {
    plant: seeingPacing((pacing) => ({ ...pacing, open: [] })),
    found: /in flight/,
  },
  'a sweep that refreshes nothing': {
    plant: withLedger((ledger) => ({
      async due(feed, timer, now) {
        const due = await ledger.due(feed, timer, now)
        const entries = due.entries.filter((each) => isFailure(each) || each.value.state !== 'landed')
        return timer === 'sweep' ? { ...due, entries } : due
      },
    })),
    found: /restated at/,
  },
  'a tick that asks for history first': {
    plant: seeingSpans(newTakenWhileHistoryLacks),
    found: /nothing new was asked for/,
  },
}
