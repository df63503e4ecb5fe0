import { PRIORITIES, type Priority, type RequestAction } from './plan.ts'

/**
 * The order in which an account asks for the windows of its feeds: live ones, then refreshes, then history, and in each the
 * feeds take turns, so that none waits behind another's backlog. `served` says when each feed was last served: the one that
 * has waited longest goes first. The windows of each feed keep their order.
 */
export function inTurns(
  due: readonly RequestAction[],
  served: Readonly<Record<string, string>>,
): readonly RequestAction[] {
  return PRIORITIES.flatMap((priority) => {
    const ofPriority = due.filter((action) => action.priority === priority)
    return roundRobin(queues(ofPriority, served))
  })
}

/** What may still be asked for while an account has its turn in a tick. */
export type Turn = {
  isOver(action: RequestAction): boolean
  end(what: 'feed' | 'priority', action: RequestAction): void
}

/** Follows which feeds and priorities have no slot left in a tick: nothing more is asked for them until the next one. */
export function openTurn(): Turn {
  const feeds = new Set<string>()
  const priorities = new Set<Priority>()
  return {
    isOver: ({ row, priority }) => feeds.has(row.feed.name) || priorities.has(priority),
    end(what, { row, priority }) {
      if (what === 'feed') feeds.add(row.feed.name)
      else priorities.add(priority)
    },
  }
}

function queues(
  actions: readonly RequestAction[],
  served: Readonly<Record<string, string>>,
): readonly (readonly RequestAction[])[] {
  const byFeed = Map.groupBy(actions, ({ row }) => row.feed.name)
  const waiting = [...byFeed].sort(([a], [b]) => (served[a] ?? '').localeCompare(served[b] ?? ''))
  return waiting.map(([, queue]) => queue)
}

function roundRobin(waiting: readonly (readonly RequestAction[])[]): readonly RequestAction[] {
  const rounds = waiting.reduce((most, { length }) => Math.max(most, length), 0)
  return Array.from({ length: rounds }, (_, round) => waiting.flatMap((queue) => queue[round] ?? [])).flat()
}
