import { gzipSync } from 'node:zlib'
import { type Chances, chancesOf, oneOf } from '../long/chances.ts'

/** A file as somebody may send it, what its name says of it, and what was done to it. */
export type MutatedFile = {
  readonly bytes: Buffer
  readonly label: { readonly tsv: boolean; readonly gzip: boolean }
  readonly history: string
}

const TEXTS = ['Contoso', 'Zoë "Z" AG', 'two\r\nlines', 'a, b', '東京 😀', '', ' x ', '5" disk', "'; --", 'a\tb', '0']
const NUMBERS = ['1', '-2.50', '', '1e3', '0.10', '12345678901234567890']
const SPECIALS = [
  '"',
  '""',
  ',',
  '\t',
  '\r',
  '\n',
  '\r\n',
  '\0',
  ';',
  '|',
  '\x1a',
  '\uFEFF',
  '\u202F',
  ',,,',
  '",',
  ' ',
]

/** The columns of every file before it is changed: of the feed `usage`, whatever its query. */
export const COLUMNS = ['Month', 'CustomerName', 'ServiceName', 'UsageQuantity'] as const

/** Makes the file of a seed: a table of May 2025, to which up to three things happen. A fifth of them are left alone. */
export function mutatedFile(seed: number): MutatedFile {
  const chances = chancesOf(seed)
  const tsv = chances(2) === 1
  const isPacked = chances(5) === 0
  const changes = chances(5) === 0 ? [] : Array.from({ length: 1 + chances(3) }, () => oneOf(chances, MUTATIONS))
  let bytes: Buffer = Buffer.from(tableOf(chances, tsv ? '\t' : ','))
  for (const [, change] of changes) bytes = change(bytes, chances)
  if (isPacked) bytes = packed(bytes, chances)
  const isMislabelled = chances(8) === 0
  return {
    bytes,
    label: { tsv: tsv !== isMislabelled, gzip: isPacked !== isMislabelled },
    history: [tsv ? 'TSV' : 'CSV', ...changes.map(([name]) => name), ...(isPacked ? ['gzip'] : [])].join(', '),
  }
}

function tableOf(chances: Chances, delimiter: string): string {
  const end = oneOf(chances, ['\r\n', '\n'])
  const quotesAll = chances(4) === 0
  const rows = Array.from({ length: 1 + chances(40) }, () => [
    oneOf(chances, ['2025-05-01', 'MAY-2025', '2025-05-31T10:00:00Z', '5/17/2025 1:02:03\u202FPM']),
    oneOf(chances, TEXTS as [string, ...string[]]),
    oneOf(chances, TEXTS as [string, ...string[]]),
    oneOf(chances, NUMBERS as [string, ...string[]]),
  ])
  const written = (cell: string) => (quotesAll || /["\r\n,\t]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
  const lines = [COLUMNS, ...rows].map((cells) => cells.map(written).join(delimiter))
  return lines.join(end) + oneOf(chances, ['', end])
}

type Mutation = readonly [name: string, change: (bytes: Buffer, chances: Chances) => Buffer]

/** A place in a file, its end included. */
const placeIn = (bytes: Buffer, chances: Chances) => chances(bytes.length + 1)

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  ['cut at the end', (bytes, chances) => bytes.subarray(0, placeIn(bytes, chances))],
  ['cut at the start', (bytes, chances) => bytes.subarray(placeIn(bytes, chances) % 80)],
  ['cut out', (bytes, chances) => spliced(bytes, placeIn(bytes, chances), 1 + chances(30), Buffer.alloc(0))],
  [
    'doubled in part',
    (bytes, chances) => {
      const at = placeIn(bytes, chances)
      return spliced(bytes, at, 0, bytes.subarray(at, at + chances(200)))
    },
  ],
  ['doubled', (bytes) => Buffer.concat([bytes, bytes])],
  ['joined with another', (bytes, chances) => Buffer.concat([bytes, Buffer.from(tableOf(chances, ','))])],
  [
    'bytes swapped',
    (bytes, chances) => {
      const changed = Buffer.from(bytes)
      const [one, two] = [chances(bytes.length || 1), chances(bytes.length || 1)]
      changed[one] = bytes[two] ?? 0
      changed[two] = bytes[one] ?? 0
      return changed
    },
  ],
  ['a byte changed', (bytes, chances) => spliced(bytes, placeIn(bytes, chances), 1, Buffer.from([chances(256)]))],
  ['put in', special],
  ['put in again', special],
  [
    'lines swapped',
    ofText((text, chances) => {
      const lines = text.split('\n')
      const [one, two] = [chances(lines.length), chances(lines.length)]
      return lines.map((line, at) => (at === one ? lines[two] : at === two ? lines[one] : line)).join('\n')
    }),
  ],
  [
    'a line dropped',
    ofText((text, chances) => {
      const lines = text.split('\n')
      return lines.toSpliced(chances(lines.length), 1).join('\n')
    }),
  ],
  ['empty rows put in', ofText((text) => text.replaceAll('\n', '\n,,,\n\n'))],
  ['a mark before it', (bytes) => Buffer.concat([Buffer.from('\uFEFF'), bytes])],
  ['Ctrl-Z behind it', (bytes) => Buffer.concat([bytes, Buffer.from('\x1a')])],
  ['in Latin-1', ofText((text) => Buffer.from(text, 'latin1'))],
  ['in UTF-16', ofText((text) => Buffer.from(`\uFEFF${text}`, 'utf16le'))],
  ['ends changed to CR', ofText((text) => text.replaceAll(/\r?\n/g, '\r'))],
  ['ends changed to LF', ofText((text) => text.replaceAll('\r\n', '\n'))],
  ['separators changed', ofText((text, chances) => text.replaceAll(/[,\t]/g, oneOf(chances, [';', '|', '\t', ','])))],
  ['quotes taken away', ofText((text) => text.replaceAll('"', ''))],
]

function spliced(bytes: Buffer, at: number, removed: number, added: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])
}

function special(bytes: Buffer, chances: Chances): Buffer {
  return spliced(bytes, placeIn(bytes, chances), 0, Buffer.from(oneOf(chances, SPECIALS as [string, ...string[]])))
}

function ofText(change: (text: string, chances: Chances) => string | Buffer): Mutation[1] {
  return (bytes, chances) => Buffer.from(change(bytes.toString('utf8'), chances) as string)
}

/** Gzip, sometimes of gzip, cut or with something behind it. */
function packed(bytes: Buffer, chances: Chances): Buffer {
  const gzip = gzipSync(bytes)
  switch (chances(12)) {
    case 0:
      return gzip.subarray(0, chances(gzip.length))
    case 1:
      return gzipSync(gzip)
    case 2:
      return Buffer.concat([gzip, Buffer.from('x')])
    case 3:
      return Buffer.concat([gzip, gzip])
    default:
      return gzip
  }
}
