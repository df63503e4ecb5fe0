import type { Counted } from '../laws/service.ts'

/** Everything that a run has to inject. */
const FAULTS = [
  'settings changed',
  'clocks that jump',
  'killed instances',
  'instances at once',
  'calls in an outage',
  '429',
  '500 without effect',
  '500 with effect',
  'unlisted reports',
  'stuck reports',
  'lost callbacks',
  'doubled callbacks',
  'early callbacks',
  'late callbacks',
  'restatements',
  'restated windows judged',
  'new windows beside a backfill',
] as const

export type Fault = (typeof FAULTS)[number]

/** How often each fault happened. */
export type Tally = {
  count(fault: Fault, times?: number): void
  line(): string
  /** What never happened. */
  missing(): readonly Fault[]
}

export function openTally(): Tally {
  const counts = new Map<Fault, number>()
  return {
    count: (fault, times = 1) => void counts.set(fault, (counts.get(fault) ?? 0) + times),
    line: () => FAULTS.map((fault) => `${fault} ${counts.get(fault) ?? 0}`).join(', '),
    missing: () => FAULTS.filter((fault) => !counts.get(fault)),
  }
}

/** Counts what the service did to the calls that reached it. */
export function countCalls(tally: Tally, calls: readonly Counted[]): void {
  for (const { fault, hides, endpoint } of calls) {
    if (hides) tally.count('unlisted reports')
    if (fault?.message === 'outage') tally.count('calls in an outage')
    else if (fault?.status === 429) tally.count('429')
    else if (fault?.isDone) tally.count('500 with effect')
    else if (fault && endpoint === 'createReport') tally.count('500 without effect')
  }
}
