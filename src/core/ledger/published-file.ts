import { type Failure, isFailure } from '../failures.ts'
import type { Generation } from '../report/generation.ts'
import { dayText } from '../time/instants.ts'
import type { Window } from '../time/window.ts'
import { isStanding, type LedgerEntry } from './ledger.ts'

/** The folder of files that nobody may read yet. No table has such a name. */
export const STAGING = '_staging/'

/**
 * The name of a window's file in the container `published`: `<table>/<yyyy-mm-dd>_<yyyy-mm-dd>.parquet`, with the first day and
 * the day after the last one. It stays the same whatever lands in the window.
 */
export function publishedName(table: string, { from, to }: Window): string {
  return `${table}/${dayText(from)}_${dayText(to)}.parquet`
}

/** Where the file of a generation is written, until the generation is published. */
export function stagedName(generation: Generation): string {
  return `${STAGING}${generation}.parquet`
}

/** Whether the rows of a window stand without a file: they landed before its feed published files, or the file was lost. */
export function lacksFile(entry: LedgerEntry): boolean {
  return isStanding(entry) && entry.figures.file === undefined
}

/** The name of the file that an entry says is there; undefined where it says that of none. */
export function namedFile(entry: LedgerEntry): string | undefined {
  if (!isStanding(entry) || !entry.figures.file) return undefined
  return publishedName(entry.figures.table, entry.window)
}

/** Whether an entry says that a file is there. */
export function isFileNamed(name: string, entries: readonly (LedgerEntry | Failure)[]): boolean {
  return entries.some((entry) => !isFailure(entry) && namedFile(entry) === name)
}

/** The day on which the window of a published file begins, `20250301`, as the keys of its entry begin. */
export function fileDay(name: string): string {
  return name
    .slice(name.indexOf('/') + 1)
    .slice(0, 10)
    .replaceAll('-', '')
}
