import type { StatusAnswer, WindowAnswer } from '../core/status/fields.ts'

/** A window that a person has opened or points at. */
export type Place = { readonly feed: string; readonly window: string }

/** Why there is no newer answer. `refused`: the key is missing or wrong. */
export type Trouble = { readonly sentence: string; readonly refused: boolean }

/** Everything that the page is made of. */
export type Picture = {
  /** Where the page came from. */
  readonly host: string
  /** Now, in milliseconds, by the clock of the app. */
  readonly nowMs: number
  readonly status: StatusAnswer | undefined
  readonly trouble: Trouble | undefined
  readonly allCards: boolean
  /** Feeds whose earlier windows are shown. */
  readonly unfolded: ReadonlySet<string>
  /** The cell of each feed that the Tab key leads to, by feed. */
  readonly stops: ReadonlyMap<string, string>
  readonly pointed: Place | undefined
  readonly opened: Place | undefined
  /** What is known of the opened window. */
  readonly detail: WindowAnswer | { readonly sentence: string } | undefined
  /** The text that was copied last. */
  readonly copied: string | undefined
}

/** The page before anything is known. */
export function firstPicture(host: string, nowMs: number): Picture {
  return {
    host,
    nowMs,
    status: undefined,
    trouble: undefined,
    allCards: false,
    unfolded: new Set(),
    stops: new Map(),
    pointed: undefined,
    opened: undefined,
    detail: undefined,
    copied: undefined,
  }
}
