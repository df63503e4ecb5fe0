/** A half-open span of UTC time: `from` is inside, `to` is not. */
export type Window = { readonly from: Date; readonly to: Date }

/** A window as text, `20250301T000000Z_20250401T000000Z`: the row key of its ledger entry. */
export type WindowId = string & { readonly __brand: 'WindowId' }

const WINDOW_ID = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** The id of a window, to the second. */
export function windowId({ from, to }: Window): WindowId {
  return `${compact(from)}_${compact(to)}` as WindowId
}

/** Reads a window id; undefined when it is not exactly one, names a date that does not exist, or ends before it starts. */
export function parseWindowId(text: string): Window | undefined {
  const match = WINDOW_ID.exec(text)
  if (!match) return undefined
  const [a, b, c, d, e, f, g, h, i, j, k, l] = match.slice(1)
  const window = { from: new Date(`${a}-${b}-${c}T${d}:${e}:${f}Z`), to: new Date(`${g}-${h}-${i}T${j}:${k}:${l}Z`) }
  // The 30th of February parses as a day of March, and 24:00 as the next day: only what reads back the same is a window.
  return window.from < window.to && windowId(window) === text ? window : undefined
}

/** What the partition keys of a window's rows start with, `20250301_`: no two windows of a feed start on one day. */
export function partitionPrefix({ from }: Window): string {
  return `${compact(from).slice(0, 8)}_`
}

/** QueryStartTime and QueryEndTime: the end is a second early, right whether the service takes it as inclusive or not. */
export function queryTimes({ from, to }: Window): { readonly start: string; readonly end: string } {
  return { start: toTheSecond(from), end: toTheSecond(new Date(to.getTime() - 1000)) }
}

function toTheSecond(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

function compact(date: Date): string {
  return toTheSecond(date).replaceAll(/[-:]/g, '')
}
