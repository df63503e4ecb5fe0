import type { Problem } from '../problems.ts'
import { windowId } from '../time/window.ts'
import { dayWords } from '../time/words.ts'
import { isRemoved, type LedgerEntry } from './ledger.ts'

/** An attempt at a window, and the archive that it landed or failed to land. */
export type ArchivedAttempt = { readonly attempt: number; readonly archive: string }

/** Two attempts to compare, that of the earlier state first. */
export type ComparedAttempts = { readonly before: ArchivedAttempt; readonly after: ArchivedAttempt }

/** An archive that stands. The attempt is the one that brought it; a later one may have landed it again. */
type Standing = { readonly attempt: number; readonly name: string }

/**
 * Chooses the two attempts of a window whose archives are compared. Without `wanted`: the published one, and the last before
 * it that landed another archive, if that still stands. One attempt in `wanted` is compared with the published one, two with
 * each other. Where there are no two, gives a sentence that says what to type. `past`: why nobody may ask for the window, where
 * it is older than its feed keeps.
 */
export function chooseAttempts(
  entry: LedgerEntry,
  standing: readonly Standing[],
  wanted: readonly number[],
  past: string | undefined,
): ComparedAttempts | Problem {
  const id = windowId(entry.window)
  const about = `${entry.feed} ${id}`
  const retry = `"retry ${entry.feed} --window ${id}" asks for it again`
  const askAgain = past === undefined ? retry : `it ${past}, then ${retry}`
  if (isRemoved(entry) && standing.length === 0) {
    const { removedAt } = entry.figures ?? {}
    const why = `its archives were removed${removedAt ? ` on ${dayWords(removedAt)}` : ''}`
    return { problem: `${about}: ${why}; ${askAgain}` }
  }
  const all = attemptsOf(entry, standing)
  const published = all.find(({ attempt }) => attempt === entry.figures?.attempt)
  const named = wanted.map((wish) => all.find(({ attempt }) => attempt === wish))
  const lacking = wanted.find((_, index) => named[index] === undefined)
  if (lacking !== undefined) {
    const numbers = all.map(({ attempt }) => attempt).join(', ') || 'none'
    const remedy = all.length < 2 ? `; ${askAgain}` : ''
    return {
      problem: `${about}: no archive of attempt ${lacking} stands; archives stand of attempts: ${numbers}${remedy}`,
    }
  }
  const after = named[1] ?? published
  if (!after) {
    if (entry.figures) return { problem: `${about}: the archive of what is published was removed; ${askAgain}` }
    return {
      problem: `${about}: it has never landed; "status" shows how it stands, and --attempt, twice, compares two attempts`,
    }
  }
  const before = named[0] ?? landedBefore(entry, all, after)
  if (!before) {
    const remedy = `${askAgain}: once that has landed, diff shows what it changed`
    return { problem: `${about}: no archive stands of a landing before that of attempt ${after.attempt}; ${remedy}` }
  }
  if (before.archive !== after.archive) return { before, after }
  return {
    problem: `${about}: attempts ${before.attempt} and ${after.attempt} read the same archive: name another with --attempt`,
  }
}

/** Every attempt whose archive stands, in their order. The ledger knows what each of the last ones read. */
function attemptsOf({ figures, history }: LedgerEntry, standing: readonly Standing[]): readonly ArchivedAttempt[] {
  const byAttempt = new Map(standing.map(({ attempt, name }) => [attempt, name]))
  for (const { attempt, archive } of history) if (archive !== undefined) byAttempt.set(attempt, archive)
  if (figures) byAttempt.set(figures.attempt, figures.archive)
  const names = new Set(standing.map(({ name }) => name))
  return [...byAttempt]
    .map(([attempt, archive]) => ({ attempt, archive }))
    .filter(({ archive }) => names.has(archive))
    .toSorted((a, b) => a.attempt - b.attempt)
}

function landedBefore(
  { history }: LedgerEntry,
  all: readonly ArchivedAttempt[],
  after: ArchivedAttempt,
): ArchivedAttempt | undefined {
  const landed = new Set(history.filter(({ outcome }) => outcome === 'landed').map(({ attempt }) => attempt))
  return all.findLast(
    ({ attempt, archive }) => attempt < after.attempt && landed.has(attempt) && archive !== after.archive,
  )
}
