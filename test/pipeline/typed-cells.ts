import type { Value } from '../../local/simulator/values.ts'
import type { CatalogType } from '../../src/core/catalog.ts'
import { landedCell, type RawRow } from './raw-rows.ts'

/** A column of a report, with the type of its cells. */
export type TypedColumn = { readonly name: string; readonly type: CatalogType }

/** How each type lands, written out by hand. An empty cell lands as nothing unless it is text. */
const LANDED: Readonly<Record<CatalogType, (text: string) => readonly string[]>> = {
  string: (text) => [`Edm.String ${text}`],
  guid: (text) => [text === '' ? 'absent' : `Edm.Guid ${text}`],
  integer: (text) => [text === '' ? 'absent' : `Edm.Int64 ${text}`],
  number: (text) => [text === '' ? 'absent' : `Edm.Double ${Number(text)}`],
  date: (text) => [text === '' ? 'absent' : `Edm.DateTime ${Date.parse(text)}`],
  month: (text) => [`Edm.String ${text}`, text === '' ? 'absent' : `Edm.DateTime ${monthOf(text)}`],
}

/** How a value must have landed, by the value the simulator made before it wrote the report. */
export function cellsOfValue({ type }: TypedColumn, value: Value): readonly string[] {
  if (value instanceof Date) return [`Edm.DateTime ${value.getTime()}`]
  if (typeof value === 'bigint') return [`Edm.Int64 ${value}`]
  return LANDED[type](value ?? '')
}

/** How a value must have landed, by the text that another parser found in the report. */
export function cellsOfText({ type }: TypedColumn, text: string): readonly string[] {
  return LANDED[type](text)
}

/** All cells of a row that landed, dates as instants. */
export function landedCells(columns: readonly TypedColumn[], row: RawRow): readonly string[] {
  const properties = columns.flatMap(({ name, type }) => (type === 'month' ? [name, `${name}_month`] : [name]))
  return properties.map((property) =>
    landedCell(row, property).replace(/^(Edm\.DateTime) (.*)$/, (_, edm, text) => `${edm} ${Date.parse(text)}`),
  )
}

function monthOf(text: string): number {
  return Date.parse(`${text.slice(0, 7)}-01T00:00:00Z`)
}
