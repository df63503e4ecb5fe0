import { join } from 'node:path'
import { buildPage } from '../local/build.ts'
import { nextMessage, startNode, stopProcess } from '../local/processes.ts'
import { STATES, STATUS_VERSION, type StatusAnswer } from '../src/core/status/fields.ts'
import { DAY_MS } from '../src/core/time/durations.ts'
import { windowId } from '../src/core/time/window.ts'
import type { Figures } from './figures.ts'

/** The feeds of the dashboard figure, by day. At first, 90 days of each are shown. */
export const DRAWN = { feeds: 20, windows: 120 }
const SHOWN_DAYS = 90

/** What the process with the browser gets: the page, and the status that it shows. */
export type Shown = { readonly page: string; readonly status: string; readonly cells: number; readonly times: number }

/** How long each rendering took, in milliseconds, or the error. */
export type Rendered = { readonly ms: readonly number[] } | { readonly error: string }

/** How often it is rendered, each time in a tab of its own. */
const TIMES = 9

const NOW = new Date('2026-11-26T12:00:00Z')
const TODAY_MS = Date.UTC(2026, 10, 26)

/** How long the dashboard takes in Chromium from the answer of the app until it is painted. */
export async function dashboardFigures(drawn = DRAWN, times = TIMES): Promise<Pick<Figures, 'dashboard_ms'>> {
  const child = startNode([join(import.meta.dirname, 'dashboard-process.ts')], { output: 'inherit' })
  try {
    const cells = drawn.feeds * Math.min(drawn.windows, SHOWN_DAYS)
    const status = JSON.stringify(statusOf(drawn))
    child.send({ page: await buildPage(), status, cells, times } satisfies Shown)
    const said = await nextMessage<Rendered>(child, 'the browser of the bench')
    if ('error' in said) throw new Error(said.error)
    // The least: what else goes on at the machine can only add to it.
    return { dashboard_ms: Math.min(...said.ms) }
  } finally {
    await stopProcess(child)
  }
}

/** A status of so many feeds with a window for each day up to and with today. */
function statusOf({ feeds, windows }: typeof DRAWN): StatusAnswer {
  const at = NOW.toISOString()
  return {
    v: STATUS_VERSION,
    at,
    version: 'bench',
    toDo: [],
    timers: { provision: { finishedAt: at, everySeconds: 900 }, sweep: { finishedAt: at, everySeconds: 300 } },
    queue: { messages: 0, poisoned: 0 },
    accounts: [],
    problems: [],
    feeds: Array.from({ length: feeds }, (_, nth) => feedOf(`feed-${nth}`, windows)),
  }
}

function feedOf(name: string, count: number): StatusAnswer['feeds'][number] {
  const days = Array.from({ length: count }, (_, day) => TODAY_MS - (count - 1 - day) * DAY_MS)
  const states = Object.fromEntries(STATES.map((state) => [state, state === 'landed' ? count : 0]))
  return {
    name,
    dataset: 'MSLearn',
    table: name,
    account: 'default',
    enabled: true,
    grain: 'day',
    since: NOW.toISOString(),
    states: states as StatusAnswer['feeds'][number]['states'],
    gaps: [],
    waiting: 0,
    complete: count,
    outdated: 0,
    earlyBlanks: 0,
    earlierForm: 0,
    withoutFile: 0,
    lateFiles: 0,
    removed: 0,
    rows: count * 70,
    freshUntil: NOW.toISOString(),
    backfill: { paused: false, left: 0, landed: 0, lately: 0 },
    drift: [],
    emptied: {},
    problems: [],
    resting: [],
    slow: [],
    doubtful: [],
    running: [],
    acceptedGaps: [],
    restated: [],
    notes: [],
    windows: days.map((from) => ({
      id: windowId({ from: new Date(from), to: new Date(from + DAY_MS) }),
      state: 'landed',
      ...(from % (7 * DAY_MS) === 0 && { mark: 'halved' as const }),
      rows: 70,
      attempt: 1,
    })),
  }
}
