import { parse as judge } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createParser, type ParsedRecord } from '../../src/core/report/parse.ts'
import { JUDGE, judged, withoutEmpty } from './judge.ts'

const LIMIT = 1_000

function parse(pieces: readonly string[], { delimiter = ',', maxRecordLength = LIMIT } = {}): ParsedRecord[] {
  const parser = createParser({ delimiter, maxRecordLength })
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()]
}

function piecesOf(text: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
  return places.slice(1).map((place, index) => text.slice(places[index], place))
}

function rows(text: string): string[] {
  return parse([text]).map(({ line, verdict, fields }) => `${line}${verdict ? ` ${verdict}` : ''} ${fields.join('|')}`)
}

/** Name, text, and what comes out: line, verdict if any, fields. */
const AWKWARD: readonly (readonly [string, string, readonly string[]])[] = [
  ['nothing at all', '', []],
  ['a header alone, without line end', 'a,b', ['1 a|b']],
  ['a header alone', 'a,b\n', ['1 a|b']],
  ['LF', 'a,b\n1,2\n', ['1 a|b', '2 1|2']],
  ['CRLF', 'a,b\r\n1,2\r\n', ['1 a|b', '2 1|2']],
  ['LF and CRLF mixed, no end on the last', 'a,b\r\n1,2\n3,4\r\n5,6', ['1 a|b', '2 1|2', '3 3|4', '4 5|6']],
  ['a lone CR, which is data', 'a,b\n1\r,2\n', ['1 a|b', '2 1\r|2']],
  ['a lone CR at the end', 'a,b\n1,2\r', ['1 a|b', '2 cut-off ']],
  ['a lone CR behind a quoted cell at the end', 'a,b\n1,"2"\r', ['1 a|b', '2 cut-off ']],
  ['a lone CR at the end of a header alone', 'a,b\r', ['1 a|b\r']],
  ['text after a closing quote at the end', 'a,b\n1,2\n"3"x,4', ['1 a|b', '2 1|2', '3 cut-off ']],
  ['Ctrl-Z at the end', 'a,b\r\n1,2\r\n\x1a', ['1 a|b', '2 1|2']],
  ['several Ctrl-Z at the end', 'a,b\n1,2\x1a\x1a', ['1 a|b', '2 1|2']],
  ['Ctrl-Z behind a quote', 'a,b\n1,"2"\x1a', ['1 a|b', '2 1|2']],
  ['Ctrl-Z behind a part of a row', 'a,b\n1,2\n3\x1a', ['1 a|b', '2 1|2', '3 cut-off ']],
  ['Ctrl-Z behind a header, and alone', 'a,b\x1a', ['1 a|b']],
  ['nothing but Ctrl-Z', '\x1a', []],
  ['Ctrl-Z before the last line end', 'a,b\r\n1,2\r\n\x1a\r\n', ['1 a|b', '2 1|2']],
  ['Ctrl-Z before empty lines, below one column', 'a\n1\n\x1a\x1a\n\r\n\x1a', ['1 a', '2 1']],
  [
    'a line of Ctrl-Z elsewhere, which is data',
    'a\n\x1a\n\x1a\n1\n\x1a\n"2"',
    ['1 a', '2 \x1a', '3 \x1a', '4 1', '5 \x1a', '6 2'],
  ],
  ['Ctrl-Z elsewhere, which is data', 'a,b\n\x1a1,2\x1a\n', ['1 a|b', '2 \x1a1|2\x1a']],
  ['too few fields at the end', 'a,b\n1,2\n3', ['1 a|b', '2 1|2', '3 cut-off ']],
  ['too few and empty fields at the end', 'a,b,c\n1,2,3\n,', ['1 a|b|c', '2 1|2|3', '3 cut-off ']],
  ['too few fields before the last line end', 'a,b\n1,2\n3\n', ['1 a|b', '2 1|2', '3 ragged 3']],
  ['two CRs before the LF', 'a,b\n1,2\r\r\n', ['1 a|b', '2 1|2\r']],
  ['a byte order mark', '\uFEFFa,b\n1,2\n', ['1 a|b', '2 1|2']],
  ['a byte order mark before a quote', '\uFEFF"a",b\n', ['1 a|b']],
  ['a byte order mark later, which is data', 'a,b\n\uFEFF1,2\n', ['1 a|b', '2 \uFEFF1|2']],
  ['empty lines', '\n\na,b\n\n1,2\n\r\n\n3,4\n\n', ['3 a|b', '5 1|2', '8 3|4']],
  ['empty lines below one column', 'a\n\n1\n\n', ['1 a', '3 1']],
  ['an empty quoted cell in one column', 'a\n""\n', ['1 a']],
  ['a blank line, which is a ragged row', 'a,b\n \n1,2\n', ['1 a|b', '2 ragged  ', '3 1|2']],
  ['empty cells', 'a,b,c\n,,3\n1,,\n', ['1 a|b|c', '2 ||3', '3 1||']],
  ['records of empty cells only', 'a,b,c\n,,\n1,,\n"",,""\r\n,\n,,,\n,,', ['1 a|b|c', '3 1||']],
  ['a header of empty cells', ',\n1,2\n', ['1 |', '2 1|2']],
  ['all cells quoted', '"a","b"\n"1","2"\n', ['1 a|b', '2 1|2']],
  ['a delimiter inside quotes', 'a,b\n"1,2",3\n', ['1 a|b', '2 1,2|3']],
  ['doubled quotes', 'a,b\n"say ""hi""",""""\n', ['1 a|b', '2 say "hi"|"']],
  ['only quotes', 'a,b\n"""","""""" \n', ['1 a|b', '2 text-after-quote ']],
  ['line ends inside quotes', 'a,b\n"1\n2\r\n3",4\n5,6\n', ['1 a|b', '2 1\n2\r\n3|4', '5 5|6']],
  ['a quoted cell at the end without line end', 'a,b\n1,"2"', ['1 a|b', '2 1|2']],
  ['a quoted cell before CRLF', 'a,b\r\n1,"2"\r\n3,"4"\r\n', ['1 a|b', '2 1|2', '3 3|4']],
  ['a quote inside an unquoted cell', 'a,b\n5" disk,2\n3,4"\n', ['1 a|b', '2 5" disk|2', '3 3|4"']],
  ['a quote after a blank, which is literal', 'a,b\n "1",2\n', ['1 a|b', '2  "1"|2']],
  ['text after a closing quote', 'a,b\n"1"x,2\n3,4\n', ['1 a|b', '2 text-after-quote ', '3 3|4']],
  ['text after a quote, quotes after that', 'a,b\n"1"x,"2\n3,4\n', ['1 a|b', '2 text-after-quote ', '3 3|4']],
  ['an unclosed quote', 'a,b\n1,"2\n3,4\n', ['1 a|b', '2 unclosed-quote ']],
  ['too few and too many fields', 'a,b\n1\n1,2,3\n4,5\n', ['1 a|b', '2 ragged 1', '3 ragged 1|2|3', '4 4|5']],
  ['a NUL and letters beyond ASCII', 'a,b\n\0,Zoë 東京 😀\n', ['1 a|b', '2 \0|Zoë 東京 😀']],
  ['a long record', `a,b\n1,${'x'.repeat(LIMIT)}\n3,4\n`, ['1 a|b', '2 too-long ', '3 3|4']],
  [
    'a long record with line ends inside quotes',
    `a,b\n"${'x,\n'.repeat(LIMIT)}",2\n3,4\n`,
    ['1 a|b', '2 too-long ', `${LIMIT + 3} 3|4`],
  ],
  ['a long record that is never closed', `a,b\n"${'x\n'.repeat(LIMIT)}`, ['1 a|b', '2 unclosed-quote ']],
]

describe('the parser', () => {
  it.each(AWKWARD)('reads %s', (_, text, expected) => {
    expect(rows(text)).toEqual(expected)
  })

  it.each(AWKWARD)('reads the same cut at every position: %s', (_, text) => {
    const whole = parse([text])
    for (let cut = 0; cut <= text.length; cut++) expect(parse([text.slice(0, cut), text.slice(cut)])).toEqual(whole)
    expect(parse(text.split(''))).toEqual(whole)
  })

  it('takes another delimiter', () => {
    expect(parse(['a\tb\n1,5\t"x\ty"\n'], { delimiter: '\t' }).map(({ fields }) => fields)).toEqual([
      ['a', 'b'],
      ['1,5', 'x\ty'],
    ])
  })

  it('counts the lines of a record, where it has more than one', () => {
    const text = 'a,b\r\n"1\r\n2",3\n4,5\n"6"x\n"7\n\n8"x,9\n"10\n11\n12",'
    const found = [undefined, 2, undefined, undefined, 3, 3]
    expect(parse([text]).map(({ lines }) => lines)).toEqual(found)
    expect(parse([`${text}\n`]).map(({ lines }) => lines)).toEqual(found)
    expect(parse(['a,b\n"1\n2\n3']).at(-1)).toMatchObject({ verdict: 'unclosed-quote', lines: 3 })
    expect(parse([`a,b\n"${'x\n'.repeat(LIMIT)}",2\n`]).at(-1)).toMatchObject({ verdict: 'too-long', lines: LIMIT + 1 })
  })

  it.each([
    ['a cell of two rows', 'a,b,c\n1,"x,2\n3,y",4\n', true],
    ['a cell of three rows', 'a,b,c\n1,"x,2\n3,y,4\n5,z",6\n', true],
    ['a cell of rows', 'a,b,c\n1,"x,y,z\r\nu,v,w",2\r\n', true],
    ['a last cell of rows', 'a,b\n1,"2\n3,4"', true],
    ['a cell of lines', 'a,b,c\n1,"Street 5\nCity, Country",2\n', undefined],
    ['a cell of rows and a line', 'a,b,c\n1,"x,y,z\nu,v,w\n",2\n', true],
    ['a cell of rows and an empty line', 'a,b,c\r\n1,"x,2\r\n\r\n3,y",4\r\n', true],
    ['a cell of rows and a short line', 'a,b,c\n1,"x,2\nu\n3,y",4\n', true],
    ['a first cell of rows', 'a,b,c\n"x,1,2\ny,3,4\nz",5,6\n', true],
    ['a cell with one row in it', 'a,b,c\n1,"x\nu,v,w\n",2\n', undefined],
    ['one column', 'a\n"1\n2"\n', undefined],
    ['a row that cannot be read', 'a,b,c\n1,"x,2\n3,y"z,4\n', undefined],
    ['one line', 'a,b\n"1,2,3",4\n', undefined],
  ])('doubts a record of which two lines could be rows: %s', (_, text, expected) => {
    expect(parse([text])[1]?.isDoubtful).toBe(expected)
    expect(parse(text.split(''))[1]?.isDoubtful).toBe(expected)
  })

  it('keeps the text of each record as written, and of a long one the beginning', () => {
    const long = 'y'.repeat(70_000)
    const records = parse([`a,b\r\n"1",2\r\n1,${long}\n1\n"1"x\n`], { maxRecordLength: 100_000 })
    expect(records.map(({ raw }) => raw)).toEqual(['a,b', '"1",2', `1,${long}`.slice(0, 65_536), '1', '"1"x'])
    expect(records[2]?.fields[1]).toBe(long)
  })

  it('measures a record without its line end', () => {
    const text = 'abcde\r\nfghij\n123456\r\nklmno'
    for (let cut = 0; cut <= text.length; cut++) {
      const records = parse([text.slice(0, cut), text.slice(cut)], { maxRecordLength: 5 })
      expect(records.map(({ verdict }) => verdict)).toEqual([undefined, undefined, 'too-long', undefined])
    }
  })

  it('takes a record that gets too long at the end of the text for cut off: nobody sees whether it is whole', () => {
    for (const pieces of [['a\n123456'], ['a\n', '123456', '789']]) {
      expect(parse(pieces, { maxRecordLength: 5 })[1]).toEqual({
        line: 2,
        fields: [],
        verdict: 'cut-off',
        raw: '12345',
      })
    }
  })

  it('tells a header that the text ends in', () => {
    const isUnended = (text: string) => parse([text])[0]?.isUnended
    expect(['a,b', 'a,b\r', 'a,b\x1a', '"a"x'].map(isUnended)).toEqual([true, true, true, true])
    expect(['a,b\n', 'a,b\n1', '"a\n'].map(isUnended)).toEqual([undefined, undefined, undefined])
  })

  it('gives every later record for ragged when the header itself is broken', () => {
    expect(parse(['"a"x,b\n1,2\n']).map(({ verdict }) => verdict)).toEqual(['text-after-quote', 'ragged'])
  })
})

const cuts = fc.array(fc.nat(), { maxLength: 4 })
const cell = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('"', ',', ';', '\t', '\n', '\r', 'a', ' ', 'é', '😀', '\uFEFF'), maxLength: 6 }),
)
const lineEnd = fc.constantFrom('\n', '\r\n')

const table = fc.integer({ min: 1, max: 5 }).chain((width) =>
  fc.record({
    rows: fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }),
    quoteAll: fc.boolean(),
    ends: fc.array(lineEnd, { minLength: 1, maxLength: 3 }),
    delimiter: fc.constantFrom(',', '\t', ';'),
    mark: fc.constantFrom('', '\uFEFF'),
    cuts,
  }),
)

function written(value: string, delimiter: string, quoteAll: boolean): string {
  const needed = quoteAll || value === '' || /["\n\r\uFEFF]/.test(value) || value.includes(delimiter)
  return needed ? `"${value.replaceAll('"', '""')}"` : value
}

describe('against csv-parse', () => {
  it('reads back every table that can be written, wherever it is cut', () => {
    let quoted = 0
    fc.assert(
      fc.property(table, ({ rows: values, quoteAll, ends, delimiter, mark, cuts }) => {
        const lines = values.map((row) => row.map((value) => written(value, delimiter, quoteAll)).join(delimiter))
        const text = mark + lines.map((line, index) => line + ends[index % ends.length]).join('')
        const records = parse(piecesOf(text, cuts), { delimiter })
        quoted += text.includes('"') ? 1 : 0
        expect(records.map(({ fields }) => fields)).toEqual(withoutEmpty(values))
        expect(judged(text, delimiter)).toEqual(withoutEmpty(values))
        expect(records.every(({ verdict }) => verdict === undefined)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
    expect(quoted).toBeGreaterThan(100)
  })

  it('reads awkward text as csv-parse does wherever csv-parse takes it', () => {
    let taken = 0
    const character = fc.constantFrom('"', '"', ',', '\n', '\r', 'a', ' ', 'é', '\uFEFF')
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 24 }), cuts, (text, cuts) => {
        const expected = judged(text)
        const records = parse(piecesOf(text, cuts))
        // csv-parse does not tell the last record by its line end.
        if (expected === undefined || records.at(-1)?.verdict === 'cut-off') return
        taken++
        expect(records.map(({ fields }) => fields)).toEqual(expected)
      }),
      { numRuns: 5_000 },
    )
    expect(taken).toBeGreaterThan(500)
  })

  it('takes a quote inside an unquoted cell as csv-parse does when told to', () => {
    const plain = fc.string({ unit: fc.constantFrom('"', 'a', ' ', 'é'), maxLength: 5 }).map((text) => `x${text}`)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(plain, plain), { minLength: 1, maxLength: 5 }),
        lineEnd,
        cuts,
        (values, end, cuts) => {
          const text = values.map((row) => row.join(',') + end).join('')
          expect(judge(text, { ...JUDGE, relax_quotes: true })).toEqual(values)
          expect(parse(piecesOf(text, cuts)).map(({ fields }) => fields)).toEqual(values)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('names the physical line a record starts on', () => {
    fc.assert(
      fc.property(table, ({ rows: values, quoteAll, ends, delimiter }) => {
        const lines = values.map(
          (row, index) => row.map((v) => written(v, delimiter, quoteAll)).join(delimiter) + ends[index % ends.length],
        )
        const starts = lines
          .map((_, index) => lines.slice(0, index).join('').split('\n').length)
          .filter((_, index) => index === 0 || values[index]?.some((value) => value !== ''))
        expect(parse([lines.join('')], { delimiter }).map(({ line }) => line)).toEqual(starts)
      }),
      { numRuns: 300 },
    )
  })

  it('finds the same records under a limit, the long ones marked', () => {
    let long = 0
    const character = fc.constantFrom('"', '"', ',', '\n', '\r', 'a', 'b', 'c')
    fc.assert(
      fc.property(
        fc.string({ unit: character, minLength: 20, maxLength: 60 }).map((text) => `a,b\n${text}\n`),
        fc.integer({ min: 3, max: 20 }),
        cuts,
        (text, limit, cuts) => {
          const free = parse([text])
          const starts = new Set(free.map(({ line }) => line))
          const found = parse(piecesOf(text, cuts), { maxRecordLength: limit })
          const bound = found.filter(({ line }) => starts.has(line))
          // Nobody knows of a long record that its cells are empty.
          for (const record of found) if (!starts.has(record.line)) expect(record.verdict).toBe('too-long')
          expect(bound.map(({ line }) => line)).toEqual(free.map(({ line }) => line))
          for (const [index, record] of free.entries()) {
            const isLong = record.raw.length > limit && record.verdict !== 'unclosed-quote'
            long += isLong ? 1 : 0
            expect(bound[index]?.verdict).toBe(isLong ? 'too-long' : record.verdict)
            if (!isLong) expect(bound[index]?.fields).toEqual(record.fields)
          }
        },
      ),
      { numRuns: 1_000 },
    )
    expect(long).toBeGreaterThan(100)
  })
})
