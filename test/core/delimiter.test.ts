import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { delimiterOf } from '../../src/core/report/delimiter.ts'
import { createParser } from '../../src/core/report/parse.ts'

describe('the delimiter of a file', () => {
  it.each([
    ['Month,Name\r\n', ','],
    ['Month\tName\r\n', '\t'],
    ['Month\tName', '\t'],
    ['Month\r\n', ','],
    ['"Month","Name"\n', ','],
    ['"Month"\t"Name"\n', '\t'],
    ['"two\r\nlines"\tName\r\n', '\t'],
    ['"two\nlines"\t"Name"\n', '\t'],
    ['"two ""quoted""\n\nlines"\tName\n', '\t'],
    ['"two\nlines, and a comma"\tName\n', '\t'],
    ['\uFEFF"two\nlines"\tName\n', '\t'],
    ['\r\n\nMonth\tName\n', '\t'],
    ['\uFEFF\n"two\nlines"\tName\n', '\t'],
    ['"two\nlines",Name\n1\t2,3\n', ','],
    ['"two\nlines, with a\ttab",Name\n', ','],
    ['"two\nlines"\r\n1\t2\n', ','],
    ['Month,"two\nlines"\n1,a\tb\n', ','],
    ['Month,Name\n1,a\tb\n', ','],
  ] as const)('of %j is %j', (head, delimiter) => {
    expect(delimiterOf(head)).toBe(delimiter)
  })

  it.each(['', '\uFEFF', '\n', 'Month,Na', '"two\nli', '"two\nlines"', '"two\nlines""', '"two\nlines"" and '])(
    'of %j is not yet known',
    (head) => {
      expect(delimiterOf(head)).toBeUndefined()
    },
  )

  /** Names of columns as they may stand in a header, and no tab in them. */
  const name = fc.string({ unit: fc.constantFrom('a', ' ', '"', '\n', '\r\n', ',', 'é'), minLength: 1, maxLength: 8 })
  const names = fc.array(name, { minLength: 2, maxLength: 4 })
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`

  it('gives every header of a TSV back, wherever the file is cut', () => {
    fc.assert(
      fc.property(names, (columns) => {
        const text = `${columns.map(quoted).join('\t')}\r\n1\t2\r\n`
        const told = Array.from(text, (_, at) => delimiterOf(text.slice(0, at + 1))).filter(Boolean)
        expect(new Set(told)).toEqual(new Set(['\t']))
        const parser = createParser({ delimiter: delimiterOf(text) ?? ',', maxRecordLength: 1000 })
        expect(parser.push(text)[0]?.fields).toEqual(columns)
      }),
    )
  })

  it('takes no CSV for a TSV, wherever the file is cut', () => {
    fc.assert(
      fc.property(names, (columns) => {
        const text = `${columns.map(quoted).join(',')}\r\n"1\t",2\r\n`
        const told = Array.from(text, (_, at) => delimiterOf(text.slice(0, at + 1))).filter(Boolean)
        expect(new Set(told)).toEqual(new Set([',']))
      }),
    )
  })

  it('is found in a megabyte of one field as in a short one', () => {
    const long = 'x\n""'.repeat(250_000)
    expect(delimiterOf(`"${long}"\tName\n`)).toBe('\t')
    expect(delimiterOf(`"${long}`)).toBeUndefined()
  })
})
