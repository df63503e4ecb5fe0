import { type RequestAction, TURNS } from './plan.ts'

/**
 * The order in which an account asks for the windows of its feeds: live ones, then refreshes, then history, and in each the
 * feeds take turns, so that none waits behind another's backlog. `served` says when each feed was last served: the one that
 * has waited longest goes first. The windows of each feed keep their order.
 */
export function inTurns(
  due: readonly RequestAction[],
  served: Readonly<Record<string, string>>,
): readonly RequestAction[] {
  return TURNS.flatMap((turn) => {
    const ofTurn = due.filter((action) => action.turn === turn)
    return roundRobin(queues(ofTurn, served))
  })
}

/** Follows which feeds and turns have no slot left in a tick: nothing more is asked for them until the next one. */
export function openTick() {
  const feeds = new Set<string>()
  const turns = new Set<RequestAction['turn']>()
  return {
    isOver: ({ row, turn }: RequestAction) => feeds.has(row.feed.name) || turns.has(turn),
    end(what: 'feed' | 'turn', { row, turn }: RequestAction) {
      if (what === 'feed') feeds.add(row.feed.name)
      else turns.add(turn)
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
  return Array.from({ length: rounds }, (_, round) => waiting.flatMap((queue) => queue.slice(round, round + 1))).flat()
}
