/** A half-open span of UTC time: `from` is inside, `to` is not. */
export type Window = { readonly from: Date; readonly to: Date }

/** A window as text, such as `20250301T000000Z_20250401T000000Z`. It is the row key of the ledger entry. */
export type WindowId = string & { readonly __brand: 'WindowId' }

const WINDOW_ID = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** The id of a window, with whole seconds. */
export function windowId({ from, to }: Window): WindowId {
  return `${compact(from)}_${compact(to)}` as WindowId
}

/** Parses a window id. Gives undefined for any other text, for a date that does not exist, and if the window is empty. */
export function parseWindowId(text: string): Window | undefined {
  const match = WINDOW_ID.exec(text)
  if (!match) return undefined
  const [a, b, c, d, e, f, g, h, i, j, k, l] = match.slice(1)
  const window = { from: new Date(`${a}-${b}-${c}T${d}:${e}:${f}Z`), to: new Date(`${g}-${h}-${i}T${j}:${k}:${l}Z`) }
  // February 30 parses as a day of March, and 24:00 as the next day, so the id must read back the same.
  return window.from < window.to && windowId(window) === text ? window : undefined
}

/**
 * QueryStartTime and QueryEndTime of a request at `now`: a window that is still running is asked for up to now. The end is
 * one second early, which is right for an inclusive and an exclusive end.
 */
export function queryTimes({ from, to }: Window, now: Date): { readonly start: string; readonly end: string } {
  const end = Math.min(to.getTime(), now.getTime())
  return { start: toTheSecond(from), end: toTheSecond(new Date(end - 1000)) }
}

function toTheSecond(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

function compact(date: Date): string {
  return toTheSecond(date).replaceAll(/[-:]/g, '')
}
