import { describe, expect, test } from 'vitest'
import { rowsOf, type TableRow, textOf } from './page.ts'

const PAGE = textOf('docs/costs.md')

const number = (text: string | undefined) => Number((text ?? '').replaceAll(',', ''))

/** A table of the page by the names in its first column. */
function byName(heading: string): ReadonlyMap<string, TableRow> {
  return new Map(rowsOf(PAGE, heading).map((row) => [row[heading] ?? '', row]))
}

/** A number of a table. Throws where the page has none there. */
function cell(table: ReadonlyMap<string, TableRow>, name: string, column: string): number {
  const value = number(table.get(name)?.[column])
  if (Number.isNaN(value)) throw new Error(`costs.md has no number for ${name}, ${column}`)
  return value
}

const WHAT = byName('what')
const DEPLOYMENTS = byName('of a month')
const RESULTS = byName('USD a month')
const COLUMNS = Object.keys(DEPLOYMENTS.values().next().value ?? {}).filter((name) => name !== 'of a month')

const asks = (name: string, of: string) => cell(WHAT, name, of)
const price = (name: string) => cell(WHAT, name, 'USD') / number(WHAT.get(name)?.for)

const TICKS = { provision: 2_920, sweep: 8_760 }
const ALL_TICKS = TICKS.provision + TICKS.sweep
const DAYS = 30
const AUDITS = 4
const GB = 1e9

/** What the page should say of a deployment, by the lines of its last table. */
function costsOf(column: string): Readonly<Record<string, number>> {
  const has = (name: string) => cell(DEPLOYMENTS, name, column)
  const [feeds, kept, first, again] = [
    has('feeds'),
    has('windows in the ledger'),
    has('windows that land'),
    has('windows that land again'),
  ]
  const [rows, rowsAgain] = [has('rows of these'), has('rows of those')]
  const operations = (of: string) =>
    TICKS.provision * (asks('a tick of provision', of) + feeds * asks('the same, for each feed', of)) +
    TICKS.sweep * (asks('a tick of sweep', of) + feeds * asks('the same, for each feed of it', of)) +
    DAYS * (asks('the first ticks of a day, beside that', of) + feeds * asks('the same, for each feed a day', of)) +
    AUDITS * (feeds * asks('the weekly audit of a feed', of) + kept * asks('the same, for each window', of)) +
    first * asks('a window of 100 rows that lands', of) +
    (rows / 1000) * asks('1,000 rows more', of) +
    again * asks('a window of 100 rows that lands again', of) +
    (rowsAgain / 1000) * asks('1,000 rows more of it', of)
  const [table, reads, writes, queue] = ['table', 'blob reads', 'blob writes', 'queue'].map(operations) as [
    number,
    number,
    number,
    number,
  ]
  const storage =
    table * price('table operation') +
    reads * price('blob read') +
    writes * price('blob write') +
    queue * price('queue operation')
  const stands = (12 * rows * 1000 * price('GB of rows') + 12 * (rows + rowsAgain) * 81 * price('GB of archives')) / GB
  const runs = ALL_TICKS + 2 * first + 4 * again
  const seconds = 2 * (ALL_TICKS + 5 * (first + again) + (rows + rowsAgain) / 1000)
  const compute = Math.max(0, runs - 250_000) * price('run') + Math.max(0, seconds - 100_000) * price('GB-second')
  const host = hostLines().reduce((sum, { usd }) => sum + usd, 0)
  const sum = storage + stands + compute + host
  const alarms = price('rule for silence') + price('rule for events, ten names at most, seven of them seen')
  return {
    'table operations': table,
    'blob reads': reads,
    'blob writes': writes,
    'queue operations': queue,
    'for these': storage,
    'rows and archives of a year': stands,
    runs,
    'GB-seconds': seconds,
    'for these, beyond what is free': compute,
    'what the host does': host,
    'sum without alarms': sum,
    'sum with alarms': sum + alarms,
  }
}

function hostLines() {
  const lines = rowsOf(PAGE, 'what').filter((row) => row['operations a month'] !== undefined)
  return lines.map((row) => ({ said: row.USD, usd: number(row['operations a month']) * price(row.price ?? '') }))
}

const COUNTS = ['table operations', 'blob reads', 'blob writes', 'queue operations', 'runs', 'GB-seconds']

function shown(name: string, value: number): string {
  return COUNTS.includes(name) ? Math.round(value).toLocaleString('en-US') : value.toFixed(2)
}

describe('costs.md', () => {
  test('says of what the host does what its operations cost at the prices of the page', () => {
    expect(hostLines().length).toBeGreaterThan(3)
    for (const { said, usd } of hostLines()) expect(said).toBe(usd.toFixed(2))
  })

  test.each(COLUMNS)(
    'has the arithmetic of "%s" right, from what a test counts and the prices of the page',
    (column) => {
      const costs = costsOf(column)
      expect([...RESULTS.keys()]).toEqual(Object.keys(costs))
      for (const [name, value] of Object.entries(costs))
        expect(RESULTS.get(name)?.[column], name).toBe(shown(name, value))
    },
  )

  test('says in words what the tables say', () => {
    expect(COLUMNS).toHaveLength(4)
    const idle = costsOf('idle')
    expect(Math.round(idle['sum without alarms'] ?? 0)).toBe(1)
    expect((2 * ALL_TICKS * price('GB-second')).toFixed(2)).toBe('0.61')
    expect(PAGE).toContain('cost 0.61 idle')
    expect((10 * 2 * 86_400 * price('GB-second')).toFixed(0)).toBe('45')
    expect(Math.round(40 * 2 * 86_400 * price('GB-second'))).toBe(180)
    expect(PAGE).toContain('it is 180 USD a day')
    const [least, most] = COLUMNS.slice(2).map((column) => costsOf(column)['sum without alarms'] ?? 0)
    expect(PAGE).toContain(`${least?.toFixed(0)} to ${most?.toFixed(0)} for 2,000,000 rows a month`)
    expect(PAGE).toContain(`25 GB beyond what is free cost ${((30 - 5) * 2.3).toFixed(2)}`)
    const thousand = (what: string) => {
      const { table, reads, writes } = {
        table: asks(what, 'table') * price('table operation'),
        reads: asks(what, 'blob reads') * price('blob read'),
        writes: asks(what, 'blob writes') * price('blob write'),
      }
      return (1000 * (table + reads + writes)).toFixed(2)
    }
    expect(PAGE).toContain(`A thousand files that land cost ${thousand('the file of a window that lands')}, a thousand`)
    expect(PAGE).toContain(`land again ${thousand('the file of a window that lands again')}.`)
    expect(PAGE).toMatch(/\*\*Nothing here has been compared with a\s+real bill\.\*\*/)
  })
})
