import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const PROJECT = join(import.meta.dirname, '../..')

/** Every page of the project, by its path. */
export const PAGES: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(PROJECT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** A row of a table: its cells by the lower-case heading of their column. */
export type TableRow = Readonly<Record<string, string>>

/** Reads a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8')
}

/** The part of a page under a heading, up to the next heading of the same or a higher level. */
export function section(page: string, heading: string): string {
  const parts = page.split(/^(?=#+ )/m)
  const start = parts.findIndex((part) => part.split('\n')[0] === heading)
  if (start === -1) throw new Error(`the page has no heading "${heading}"`)
  const level = levelOf(heading)
  const end = parts.findIndex((part, index) => index > start && levelOf(part) <= level)
  return parts.slice(start, end === -1 ? undefined : end).join('')
}

function levelOf(part: string): number {
  return /^#*/.exec(part)?.[0].length ?? 0
}

/** The rows of all tables of a text whose first column has this heading. */
export function rowsOf(text: string, firstHeading: string): readonly TableRow[] {
  const tables = text.matchAll(/^\|(.+)\|\n\|[-|]+\|\n((?:\|.+\|\n?)*)/gm)
  return Array.from(tables).flatMap(([, head = '', body = '']) => {
    const headings = cellsOf(head)
    if (headings[0] !== firstHeading) return []
    const lines = body.split('\n').filter((line) => line !== '')
    return lines.map((line) => {
      const cells = cellsOf(line.slice(1, -1))
      return Object.fromEntries(headings.map((heading, index) => [heading, cells[index] ?? '']))
    })
  })
}

function cellsOf(line: string): readonly string[] {
  return line.split('|').map((cell) => cell.trim())
}

/** The text of a cell that is nothing but code, without its marks; undefined for any other cell. */
export function codeOf(cell: string | undefined): string | undefined {
  return /^`([^`]+)`$/.exec(cell ?? '')?.[1]
}

/** The names in the first column of a table, all of them code. */
export function namesIn(rows: readonly TableRow[], heading: string): readonly string[] {
  return rows.map((row) => codeOf(row[heading]) ?? `"${row[heading]}", which is not code`)
}
