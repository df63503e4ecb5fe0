import { expect, test } from 'vitest'
import { rowsOf, textOf } from '../docs/page.ts'
import { countAll } from './counted.ts'

test('costs.md says what the app asks of storage, operation by operation', async () => {
  const said = rowsOf(textOf('docs/costs.md'), 'what').filter((row) => row['blob reads'] !== undefined)
  const counted = Object.entries(await countAll())
  expect(said).toEqual(
    counted.map(([what, operations]) => ({
      what,
      ...Object.fromEntries(Object.entries(operations).map(([name, count]) => [name, String(count)])),
    })),
  )
}, 200_000)
