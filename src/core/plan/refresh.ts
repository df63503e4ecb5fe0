import type { Figures } from '../ledger/ledger.ts'
import { addDuration } from '../time/durations.ts'
import type { Window } from '../time/window.ts'
import type { WindowRules } from './due-windows.ts'

/**
 * When a landed window is asked for again: an empty one that was asked for before its data had settled, which is twice the
 * delay after its end. Undefined where nothing more is expected.
 */
export function refreshAt(
  { cadence, delay }: WindowRules,
  window: Window,
  { verdict, requestedAt, origin }: Figures,
): Date | undefined {
  if (verdict !== 'empty' || origin === 'import' || cadence.kind === 'snapshot') return undefined
  const settled = addDuration(addDuration(window.to, delay), delay)
  return requestedAt < settled ? settled : undefined
}
