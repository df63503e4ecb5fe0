import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nameKey } from '../../src/core/names.ts'
import { createParser } from '../../src/core/report/parse.ts'
import { createRecordFilter, type ErasedValues, holdsValue } from '../../src/core/report/record-filter.ts'

const ANNA: ErasedValues = {
  columns: ['name'],
  has: (column, text) => column === 'name' && text.trim().toLowerCase() === 'anna',
}

/** Filters a text that comes in pieces of a size. */
function filtered(text: string, size = text.length, maxRecordLength = 1000, known: readonly string[] = ['id']) {
  const options = { delimiter: ',', values: ANNA, known: new Set(known), keyOf: nameKey, maxRecordLength }
  const filter = createRecordFilter(options)
  let kept = ''
  for (let at = 0; at < text.length; at += Math.max(size, 1))
    kept += filter.push(text.slice(at, at + Math.max(size, 1)))
  kept += filter.end()
  return { kept, erased: filter.erased(), hasColumn: filter.hasColumn(), isEnded: filter.isEnded() }
}

describe('the filter of records', () => {
  it.each([
    ['a plain record', 'Id,Name\r\n1,Anna\r\n2,Bert\r\n', 'Id,Name\r\n2,Bert\r\n'],
    ['with quotes, blanks and another case', 'Id,Name\n1,"ANNA "\n2,"B ""x"" ert"\n', 'Id,Name\n2,"B ""x"" ert"\n'],
    ['the last one, without a line end', 'Id,Name\n1,Bert\n2,anna', 'Id,Name\n1,Bert\n'],
    ['only in its column', 'Id,Name\nAnna,Bert\n', 'Id,Name\nAnna,Bert\n'],
    ['only where it is the whole value', 'Id,Name\n1,Annabel\n2,Anna Bert\n', 'Id,Name\n1,Annabel\n2,Anna Bert\n'],
    ['too few fields: any part of it may be the value', 'Id,Name\nAnna\n1,2,3\n', 'Id,Name\n1,2,3\n'],
    ['text after a quote', 'Id,Name\n"1"x,"Anna"\n2,Bert\n', 'Id,Name\n2,Bert\n'],
    ['an unclosed quote', 'Id,Name\n1,Bert\n2,"Anna', 'Id,Name\n1,Bert\n'],
    ['several rows in one, by a stray quote', 'Id,Name\n1,"x\n2,Anna\n3,y"\n4,Bert\n', 'Id,Name\n4,Bert\n'],
    ['a line break in another cell', 'Id,Name,Note\n1,Bert,"a\nAnna"\n', 'Id,Name,Note\n1,Bert,"a\nAnna"\n'],
    ['behind empty lines and a byte order mark', '\n\uFEFFName,Id\n\nAnna,1\nBert,2\n', '\n\uFEFFName,Id\n\nBert,2\n'],
    ['no header with the column', 'Id,Person\n1,Anna\nAnna\n', 'Id,Person\n1,Anna\nAnna\n'],
  ])('leaves out %s', (_, text, kept) => {
    for (const size of [1, 2, 3, 7, text.length]) expect(filtered(text, size).kept).toBe(kept)
  })

  it.each([
    ['a title', 'Usage\r\n\r\nId,Name\r\n1,Bert\r\n2,Anna\r\n3,x\r\n', 'Usage\r\n\r\nId,Name\r\n1,Bert\r\n'],
    ['an open quote', '"Usage\nId,Name\n2,"Anna"\n', '"Usage\nId,Name\n'],
    ['semicolons', 'Id;Name\n1;x,y\n2;"Anna"\n', 'Id;Name\n1;x,y\n'],
    ['pipes, without a last line end', '|Id|Name|\n|2|ANNA |', '|Id|Name|\n'],
    ['CR alone', 'Id,Name\r1,Bert\r2,Anna\r3,x\r', 'Id,Name\r1,Bert\r'],
    ['the value in its first line', 'Anna\n1,2\n', ''],
  ])('keeps of a text that is no table of the feed, by %s, what comes before the value', (_, text, kept) => {
    for (const size of [1, 2, 3, 7, text.length]) {
      expect(filtered(text, size)).toEqual({ kept, erased: 1, hasColumn: false, isEnded: true })
    }
  })

  it('keeps every byte of a text that is no table and has no value, and takes any header where nobody knows the columns', () => {
    const text = 'Usage\r\n\r\nId;Name\r1;Annabel\n"'
    for (const size of [1, 3, text.length]) expect(filtered(text, size)).toMatchObject({ kept: text, isEnded: false })
    const table = 'Person\nAnna\n'
    expect(filtered(table, 2, 1000, [])).toMatchObject({ kept: table, isEnded: false })
  })

  it('keeps of a text that is no table no more than the longest record has, and ends there', () => {
    const line = `${'x;'.repeat(20)}\n`
    const ended = { erased: 0, hasColumn: false, isEnded: true }
    for (const size of [1, 10, 1000]) {
      expect(filtered(`Usage;\n${line.repeat(3)}Anna\n`, size, 100)).toEqual({
        ...ended,
        kept: `Usage;\n${line}${line}`,
      })
      expect(filtered(`Usage;${'x;'.repeat(300)}`, size, 100)).toEqual({ ...ended, kept: '' })
    }
    const whole = `Usage;\n${line}${line}`
    expect(filtered(whole, 10, whole.length)).toMatchObject({ kept: whole, isEnded: false })
  })

  it('decides about a record that is too long by its beginning, and holds no more of it', () => {
    const long = 'x'.repeat(300)
    const text = `Id,Name\n1,Bert\n2,Anna,"${long}"\n3,"${long}${long}",Anna\n4,Bert\n`
    const kept = `Id,Name\n1,Bert\n3,"${long}${long}",Anna\n4,Bert\n`
    expect(filtered(text, 10, 100)).toMatchObject({ kept, erased: 1 })
  })

  it('keeps every byte of what it keeps, and leaves out what the parser reads as the value, however the text is cut', () => {
    const part = fc.constantFrom('Anna', 'anna', 'Bert', 'x', ',', ',', '"', '""', '\n', '\r\n', '\n', ' ')
    const body = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''))
    const law = fc.property(body, fc.integer({ min: 1, max: 9 }), (text, size) => {
      const whole = `Id,Name\n${text}`
      const { kept, erased } = filtered(whole, size)
      expect(filtered(whole)).toMatchObject({ kept, erased })
      const parser = createParser({ delimiter: ',', maxRecordLength: 1000 })
      const records = [...parser.push(kept), ...parser.end()].slice(1)
      for (const { fields, verdict } of records) {
        if (verdict === undefined) expect(ANNA.has('name', fields[1] ?? '')).toBe(false)
      }
      if (erased === 0) expect(kept).toBe(whole)
    })
    fc.assert(law, { numRuns: 2000 })
  })
})

it('a rejected text holds a value as one of its parts', () => {
  expect(['1,Anna', 'x\tanna', '"1"x,"Anna"', '5;ANNA'].every((text) => holdsValue(text, ANNA))).toBe(true)
  expect(['1,Annabel', ''].some((text) => holdsValue(text, ANNA))).toBe(false)
})
