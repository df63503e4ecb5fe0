import { randomInt } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { feedOf } from '../core/feed-of.ts'
import { type FileOptions, landFile } from '../memory/land-file.ts'
import { wrongIn } from './judge-file.ts'
import { COLUMNS, mutatedFile } from './mutated-file.ts'

const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31))
const FILES = 20_000

/** In milliseconds. */
const LIMIT = 10 * 60_000

/** Feeds whose columns were asked for, are in a query of the user's own, or are known to nobody. */
const own = feedOf({ name: 'usage', queryId: 'q', types: { UsageQuantity: 'double' }, maxRejects: 0.5 })
const READERS: readonly FileOptions[] = [
  { feed: feedOf({ name: 'usage', columns: [...COLUMNS], maxRejects: 0.1 }), columns: COLUMNS },
  { feed: own },
  { feed: own, isOfPerson: true },
  { feed: { ...own, types: {}, mustHave: [] } },
]

describe('mutated files', () => {
  it(
    'never throw, and never land with a row that csv-parse does not see, or with fewer',
    async () => {
      console.info(`FUZZ_SEED=${SEED} makes these files again`)
      const ends = new Map<string, number>()
      for (let number = 0; number < FILES; number += 1) {
        const end = await endOf(number)
        ends.set(end, (ends.get(end) ?? 0) + 1)
      }
      const shares = [...ends].map(([end, count]) => `${end} ${((100 * count) / FILES).toFixed(1)} %`)
      console.info(`${FILES} mutated files: ${shares.toSorted().join(', ')}`)
      const landed = (ends.get('landed') ?? 0) / FILES
      expect(landed).toBeGreaterThanOrEqual(0.3)
      expect(landed).toBeLessThanOrEqual(0.9)
    },
    LIMIT,
  )
})

/** Lands a mutated file. Gives `landed` or the kind of its failure, and fails where it landed as something else than it is. */
async function endOf(number: number): Promise<string> {
  const { bytes, label, history } = mutatedFile(SEED + number)
  const reader = READERS[number % READERS.length] ?? { feed: own }
  const where = `file ${number} of FUZZ_SEED=${SEED}: ${history}: ${bytes.toString('base64')}`
  const options = { ...reader, label }
  const landed = await landFile(bytes, options).catch((error: Error) => expect.fail(`${where}: ${error.stack}`))
  const { result, rows } = landed
  if (isFailure(result)) return result.kind
  const { rowsRead, rowsLanded, rowsRejected } = result
  expect(wrongIn(bytes, landed, reader.feed.types), where).toBeUndefined()
  expect([rowsLanded, rowsLanded + rowsRejected], where).toEqual([rows.length, rowsRead])
  expect(rowsRejected, where).toBeLessThanOrEqual(reader.feed.maxRejects * rowsRead)
  return 'landed'
}

const HEADER = `${COLUMNS.join(',')}\n`
const GOOD = '2025-05-01,Contoso,Compute,1.5\n'

/** Files of any size, and each of them of one thing that reading may be slow at. */
const SHAPES: Readonly<Record<string, (size: number) => string | Buffer>> = {
  'good rows': (size) => HEADER + repeated(GOOD, size),
  'good rows in gzip': (size) => gzipSync(HEADER + repeated(GOOD, size)),
  'quoted rows': (size) => HEADER + repeated('"2025-05-01","Con ""toso""","two\nlines","1.5"\n', size),
  'doubtful rows': (size) => HEADER + repeated('2025-05-01,"x,y,1\n2025-05-01,z",Compute,1\n', size),
  'rows with too few cells': (size) => HEADER + repeated('2025-05-01,Contoso\n', size),
  'rows with text after quotes': (size) => HEADER + repeated('2025-05-01,"Con"toso,Compute,1\n', size),
  'empty rows': (size) => HEADER + repeated(',,,\n', size),
  'empty lines': (size) => repeated('\r\n', size),
  'empty lines below a header': (size) => HEADER + repeated('\r\n', size),
  'one row without end': (size) => HEADER + repeated('Contoso', size),
  'one cell of doubled quotes': (size) => `${HEADER}2025-05-01,"${repeated('""', size)}",Compute,1\n`,
  'one cell of lines': (size) => `${HEADER}2025-05-01,"${repeated('x\n', size)}",Compute,1\n`,
  'a quote that is never closed': (size) => `${HEADER}"${repeated(GOOD, size)}`,
  'quotes that close and open': (size) => HEADER + repeated('","', size),
  delimiters: (size) => HEADER + repeated(',', size),
  'CR for line ends': (size) => repeated('a,b\r', size),
  'CR for line ends below a header': (size) => HEADER + repeated('2025-05-01,Contoso,Compute,1\r', size),
  'Ctrl-Z': (size) => HEADER + GOOD + repeated('\x1a', size),
  NUL: (size) => repeated('\0', size),
  'a header of quotes': (size) => repeated('"', size),
  'a header of one quoted name': (size) => `"${repeated('x\n""', size)}"\tb\n`,
  'a header of semicolons': (size) => repeated(';', size),
  'a sentence': (size) => repeated('no data ', size),
  'a long number': (size) => `${HEADER}2025-05-01,Contoso,Compute,${repeated('1', size)}\n`,
  'long dates': (size) => HEADER + repeated(`5/17/2025${'\u202F'.repeat(500)},Contoso,Compute,1\n`, size),
  'bytes that are not UTF-8': (size) => Buffer.concat([Buffer.from(HEADER), Buffer.alloc(size, 0xc3)]),
}

/** Large enough that no larger text is handled in another way by the engine. */
const SMALL = 128 * 1024
const TIMES = 16

/** Other work on the machine disturbs a measurement, and never makes it shorter. */
const MEASUREMENTS = 5

describe('a file that is 16 times as large takes at most 32 times as long, also', () => {
  it.each(Object.entries(SHAPES))('one of %s', async (_, shape) => {
    const [small, large] = [Buffer.from(shape(SMALL)), Buffer.from(shape(SMALL * TIMES))]
    await timeOf(small)
    const least = { small: Number.POSITIVE_INFINITY, large: Number.POSITIVE_INFINITY }
    for (let measurement = 0; measurement < MEASUREMENTS; measurement += 1) {
      least.small = Math.min(least.small, await timeOf(small))
      least.large = Math.min(least.large, await timeOf(large))
      if (least.large <= 2 * TIMES * least.small) break
    }
    expect(least.large).toBeLessThanOrEqual(2 * TIMES * least.small)
  })
})

function repeated(text: string, size: number): string {
  return text.repeat(Math.ceil(size / text.length))
}

/** The processor time of a landing, in microseconds: the mean of so many that steps of a few milliseconds do not matter. */
async function timeOf(bytes: Buffer): Promise<number> {
  const before = process.threadCpuUsage()
  for (let landings = 1; ; landings += 1) {
    await landFile(bytes, { feed: own })
    const { user, system } = process.threadCpuUsage(before)
    if (user + system > 50_000) return (user + system) / landings
  }
}
