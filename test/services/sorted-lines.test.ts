import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'

const SOURCE = pathToFileURL(join(import.meta.dirname, '../../src/services/sorted-lines.ts')).href
const SMALL_HEAP = pathToFileURL(join(import.meta.dirname, '../../cli/small-heap.ts')).href
/** What a whole `diff` may take, whatever the width of its rows. */
const LIMIT_MB = 200

/** Sorts lines of two landings, walks through both at once, and says what memory that took. */
const SCRIPT = `
import { keepHeapSmall } from ${JSON.stringify(SMALL_HEAP)}
import { sortLines } from ${JSON.stringify(SOURCE)}
keepHeapSmall()
const [folder, count, width] = [process.argv[1], Number(process.argv[2]), Number(process.argv[3])]
const sides = []
for (const name of ['before', 'after']) {
  const sorter = sortLines(folder, name)
  for (let at = 0; at < count; at++) {
    const number = (at * 7919) % count
    // One line in three is as wide as lines get, and the others are of any width.
    const wide = number % 3 === 0 ? width : (number * 104729) % width
    await sorter.add(String(number).padStart(10, '0') + 'x'.repeat(wide))
  }
  sides.push((await sorter.sorted())[Symbol.asyncIterator]())
}
const found = [[], []]
for (let next = 0, open = 2; open > 0; next = 1 - next) {
  const { done, value } = await sides[next].next()
  if (done) open--
  else for (const line of value) found[next].push(line.slice(0, 10) + ' ' + line.length)
}
const wanted = Array.from({ length: count }, (_, number) => {
  const wide = number % 3 === 0 ? width : (number * 104729) % width
  return String(number).padStart(10, '0') + ' ' + (10 + wide)
})
const isSorted = found.every((lines) => JSON.stringify(lines) === JSON.stringify(wanted))
console.log(JSON.stringify({ isSorted, peakMb: process.resourceUsage().maxRSS / 1024 }))
`

it.each([
  { count: 600, width: 200_000 },
  { count: 60, width: 3_100_000 },
  { count: 4, width: 5_000_000 },
  { count: 10_000, width: 20 },
])('$count lines of up to $width bytes are sorted in bounded memory', async ({ count, width }) => {
  const folder = await mkdtemp(join(tmpdir(), 'sorted-'))
  const args = ['--input-type=module', '--eval', SCRIPT, folder, String(count), String(width)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
  const { isSorted, peakMb } = JSON.parse(out)
  expect(isSorted).toBe(true)
  expect(peakMb).toBeLessThan(LIMIT_MB)
})
