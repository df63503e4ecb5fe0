/** Restatements: a dataset gets other rows than before. */

import { readWireTime } from './http.ts'
import type { Value } from './values.ts'

const KINDS = ['fewer', 'more', 'changed'] as const

/** Says that a dataset, or those of its months or days that begin in `[from, to)`, now holds other rows. ISO 8601 instants. */
export type Restatement = {
  readonly dataset: string
  readonly window?: { readonly from: string; readonly to: string }
  readonly rows: (typeof KINDS)[number]
}

type Row = readonly Value[]

/** Reads a restatement that came as JSON. Undefined when it is wrong. */
export function toRestatement(value: unknown): Restatement | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { dataset, window, rows } = value as Record<string, unknown>
  if (typeof dataset !== 'string' || !KINDS.some((kind) => kind === rows)) return undefined
  const { from, to } = (window ?? {}) as Record<string, unknown>
  const spanned = window === undefined || (isInstant(from) && isInstant(to))
  return spanned ? (value as Restatement) : undefined
}

function isInstant(value: unknown): boolean {
  return typeof value === 'string' && readWireTime(value) !== undefined
}

/** Whether a restatement concerns the period that begins at `start`, or a dataset without time. */
export function isRestated({ window }: Restatement, start: Date | undefined): boolean {
  if (window === undefined || start === undefined) return true
  return start >= new Date(window.from) && start < new Date(window.to)
}

/**
 * Changes a tenth of the rows, at least one. `fewer` drops the first ones, so that all others get another number; `more`
 * adds rows at the end; `changed` replaces every tenth row. `make` gives rows that were not there before. One row always
 * stays.
 */
export function restateRows(
  rows: readonly Row[],
  kind: Restatement['rows'],
  make: (row: number) => Row,
): readonly Row[] {
  const tenth = Math.ceil(rows.length / 10)
  if (kind === 'fewer') return rows.slice(Math.min(tenth, Math.max(rows.length - 1, 0)))
  if (kind === 'more') return [...rows, ...Array.from({ length: Math.max(tenth, 1) }, (_, row) => make(row))]
  return rows.map((row, index) => (index % 10 === 0 ? make(index) : row))
}
