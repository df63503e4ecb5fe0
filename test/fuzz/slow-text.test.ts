import { describe, expect, it } from 'vitest'
import { safeText } from '../../src/services/safe-text.ts'
import type { Archive } from '../../src/services/storage/archive.ts'
import { FEED, inFile, modules, parsed, type Run, TABLE } from './outside-text.ts'

// Whoever writes the texts that the app reads must not be able to stop it: the time grows with the text and no faster.

/** Characters of the small text; the large one has sixteen times as many. */
const SMALL = 8_192
const TIMES = 16

/** The large text may take so many times the time of the small one. A square would take 256 times as long. */
const MOST_TIMES = 32

/**
 * What takes less than this for the large text is fast enough, in milliseconds: two microseconds for a character. The square
 * of so many takes seconds. Below it, the moment at which the collector of garbage comes would decide.
 */
const FAST_MS = 250

/** Measurements of one text; the fastest counts, because all else that a machine does only adds time. */
const ROUNDS = 5

/** What texts are made of by repetition, to make patterns and loops look at each place again and again. */
const UNITS = [
  ...[
    'a',
    ' ',
    '\n',
    '\r',
    '\t',
    '"',
    "'",
    '/',
    '.',
    '0',
    '-',
    ',',
    ';',
    '(',
    '[',
    '=',
    '_',
    '%',
    'é',
    '\u2028',
    '\u{1f600}',
  ],
  ...[
    'a.',
    '9.',
    'a://',
    '://',
    'a@',
    '""',
    '" ',
    '", ',
    "'a',",
    'a1,',
    ' ;',
    '\r\n',
    'T1',
    '_x0041',
    '_month',
    '"\r\n',
  ],
  ...['{"a":', '[1,', '"code"  ', '"code":"a', 'AADSTS1', 'boundary=changesetresponse_', '--changesetresponse_a\r\n'],
  ...['SELECT ', 'a AND ', "a = 'b' AND ", 'ORDER ', "Requested value 'a' ", '00:', '2025-01-01T00:', 'P1', '*.'],
]

/** Texts of one length. The last ones hold names or objects that all differ. */
function hostileTexts(length: number): readonly string[] {
  const repeated = UNITS.map((unit) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length))
  const broken = repeated.map((text) => `${text.slice(1)}!`)
  const numbered = Array.from({ length: Math.floor(length / 8) }, (_, index) => `c${String(index).padStart(6, '0')}`)
  return [
    ...repeated,
    ...broken,
    ...[',', '\n', '\r\n', ' AND ', ';', '\t', '","', '":1,"'].map((by) => numbered.join(by)),
  ]
}

async function cpuMs(run: Run, text: string): Promise<number> {
  const before = process.cpuUsage()
  await run(text)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

async function fastest(run: Run, text: string, rounds: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) best = Math.min(best, await cpuMs(run, text))
  return best
}

const SMALL_TEXTS = hostileTexts(SMALL)
const LARGE_TEXTS = hostileTexts(SMALL * TIMES)

/** Where a function gets slower than its text gets longer; undefined where it does not. */
async function growth(run: Run, nth: number): Promise<string | undefined> {
  const [small = '', large = ''] = [SMALL_TEXTS[nth], LARGE_TEXTS[nth]]
  for (const rounds of [1, ROUNDS]) {
    const [of, ofLarge] = [await fastest(run, small, rounds), await fastest(run, large, rounds)]
    if (ofLarge <= Math.max(FAST_MS, MOST_TIMES * of)) return undefined
    // A square is told at once: to measure it again would only take long.
    if (rounds === ROUNDS || ofLarge > 2_000)
      return `${JSON.stringify(large.slice(0, 30))}: ${of} ms, then ${ofLarge} ms`
  }
}

const functions = Object.entries(TABLE).flatMap(([file, runs]) =>
  Object.entries(runs as Readonly<Record<string, readonly Run[]>>).map(([name, each]) => [file, name, each] as const),
)

describe('sixteen times the text takes at most 32 times as long', () => {
  it.each(functions)('in %s: %s', { timeout: 120_000 }, async (_, __, runs) => {
    const slow: string[] = []
    for (const run of runs) {
      for (const nth of SMALL_TEXTS.keys()) {
        const found = await growth(run, nth)
        if (found !== undefined) slow.push(found)
      }
    }
    expect(slow).toEqual([])
  })

  it('in a file that is packed so that it comes out in tiny pieces', { timeout: 120_000 }, async () => {
    const { readRecords } = modules['services/storage/report-records.ts']
    const run = (pieces: number) => async () => {
      const bytes = Buffer.from('"')
      const source = {
        async *read() {
          for (let nth = 0; nth < pieces; nth++) yield bytes
        },
      } as unknown as Archive
      const blob = { name: 'a', bytes: pieces, sha256: '', etag: '' }
      for await (const group of readRecords(source, blob, { verify: false })) void group
    }
    const [small, large] = [await fastest(run(SMALL * 4), '', 3), await fastest(run(SMALL * 4 * TIMES), '', 2)]
    expect(large).toBeLessThanOrEqual(Math.max(FAST_MS, MOST_TIMES * small))
  })
})

describe('what stopped the process once takes no time', () => {
  it.each<readonly [string, () => unknown]>([
    ['a message of 60 KB in a 400', () => safeText('a.'.repeat(30_000))],
    ['4,000 blanks in a query', () => modules['core/query/tokens.ts'].tokenize(`SELECT a${' '.repeat(4_000)}FROM b`)],
    [
      'a header of 100,000 columns',
      () => {
        const header = Array.from({ length: 100_000 }, (_, index) => `c${index}`)
        return modules['core/report/layout.ts'].readHeader(FEED, undefined, header, 'usage')
      },
    ],
    [
      '100,000 columns of a feed',
      () => parsed(inFile({ columns: Array.from({ length: 100_000 }, (_, index) => `c${index}`) })),
    ],
  ])('%s', async (_, run) => {
    expect(await fastest(run, '', 2)).toBeLessThan(500)
  })
})
