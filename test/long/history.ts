import type { Restatement } from '../../local/simulator/restate.ts'
import { type Chances, chancesOf, oneOf, shuffled } from './chances.ts'
import type { FeedChange } from './feeds.ts'

export const HOSTS = 3

/**
 * A host dies at one of its own writes to a table: the last it sends (`pass`), or the first it does not (`before`).
 * `landing`: at the first write of a landing, unless it makes so many other `writes` before.
 */
export type Death = { readonly writes: number; readonly landing: boolean; readonly call: 'pass' | 'before' }

/** `before` and `length` are days or months: the imported window begins so long before `from`, and lasts so long. */
export type Import = { readonly feed: string; readonly before: number; readonly length: number; readonly held: number }

export type Act =
  | ({ readonly act: 'kill'; readonly host: number } & Death)
  | { readonly act: 'change'; readonly feed: string; readonly change: FeedChange }
  | ({ readonly act: 'import' } & Import)
  | {
      readonly act: 'restate'
      readonly feed: string
      readonly rows: Restatement['rows']
      readonly picks: readonly number[]
    }
  | { readonly act: 'replay'; readonly feed: string; readonly pick: number }

/** `after` is how many calls the hosts make between the event before and this one: time itself would be a fixed wait. */
export type Event = Act & { readonly after: number }

const ROUNDS = 32

/** A host is killed in every third round. */
const KILL_EVERY = 3

/** Each of these happens once in as many rounds, in an order that the seed decides. */
const KINDS = ['widen', 'widen', 'turn', 'import', 'import', 'switch', 'replay', 'restate'] as const

/** So many days or months before its `from` no feed is ever stretched. */
const LONG_AGO = 60

/** What a switch does: the feed leaves feeds.json, comes back, is disabled and enabled, and so on. */
const SWITCHES: readonly FeedChange[] = ['list', 'list', 'enable', 'enable']

/** A history of a few minutes. The same seed gives the same events; what the hosts make of them differs each time. */
export function historyOf(seed: number): readonly Event[] {
  const chances = chancesOf(seed)
  const blocks = Array.from({ length: ROUNDS / KINDS.length }, (_, block) => block)
  const rounds = blocks.flatMap((block) => shuffled(chances, KINDS).map((kind) => roundOf(kind, chances, block)))
  return rounds.flatMap((events, round) =>
    round % KILL_EVERY === 0 ? [...events, death(chances, (round / KILL_EVERY) % HOSTS)] : events,
  )
}

const WINDOWED = ['learn', 'learn', 'meetings', 'usage'] as const

const calm = (chances: Chances) => 60 + chances(240)

/** Sooner than a tick ends that has begun to ask for its windows. */
const hurried = (chances: Chances) => 5 + chances(80)

function roundOf(kind: (typeof KINDS)[number], chances: Chances, block: number): readonly Event[] {
  const feed = oneOf(chances, WINDOWED)
  const after = calm(chances)
  const change = (what: FeedChange, later: number): Event => ({ act: 'change', feed, change: what, after: later })
  switch (kind) {
    case 'widen':
      return [change('stretch', after), change('recut', hurried(chances))]
    case 'turn':
      return [change('recut', after), change('stretch', hurried(chances)), change('recut', hurried(chances))]
    case 'import':
      return [importInto(feed, chances, after), change('stretch', hurried(chances))]
    case 'switch':
      return [{ act: 'change', feed: 'meetings', change: SWITCHES[block % SWITCHES.length] ?? 'list', after }]
    case 'replay':
      return [{ act: 'replay', feed: oneOf(chances, ['learn', 'usage', 'profile']), pick: chances(1000), after }]
    case 'restate':
      return [restatement(chances, after)]
  }
}

/**
 * The upload is held until the hosts have made more calls, which are enough for a tick. Half of the files are for a time
 * that the hosts ask for meanwhile, and only one of both gets it; the others are for one so long ago that nobody does.
 */
function importInto(feed: string, chances: Chances, after: number): Event {
  const near = feed === 'usage' ? 1 + chances(2) : 1 + chances(7)
  const before = chances(2) === 0 ? near : near + LONG_AGO
  return { act: 'import', feed, before, length: 1 + chances(near), held: 100 + chances(300), after }
}

function restatement(chances: Chances, after: number): Event {
  const rows = oneOf(chances, ['fewer', 'more', 'changed'])
  const picks = Array.from({ length: 4 }, () => chances(1000))
  return { act: 'restate', feed: oneOf(chances, [...WINDOWED, 'profile']), rows, picks, after }
}

function death(chances: Chances, host: number): Event {
  const landing = chances(2) === 0
  const writes = landing ? 20 : 1 + chances(14)
  return { act: 'kill', host, writes, landing, call: oneOf(chances, ['pass', 'before']), after: hurried(chances) }
}
