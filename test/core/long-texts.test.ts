import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinTexts, splitTexts } from '../../src/core/ledger/long-texts.ts'

/** What Table Storage holds in one property, in UTF-16 units. */
const PROPERTY_LENGTH = 32_768

/** Texts of any length around one, two and three pieces, with and without pairs of surrogates where they are cut. */
const anyText = fc
  .tuple(fc.constantFrom('x', '😀', 'é"', 'a😀'), fc.nat({ max: 100_000 }), fc.constantFrom('', '.'))
  .map(([unit, length, first]) => first + unit.repeat(Math.ceil(length / unit.length)))

const anyRow = fc.record({
  v: fc.nat(),
  at: fc.date({ noInvalidDate: true }),
  flag: fc.boolean(),
  state: fc.string(),
  figures: anyText,
  progress: anyText,
})

const textsOf = (row: object) => Object.values(row).filter((value) => typeof value === 'string')

describe('a row with long texts', () => {
  it('is stored in properties that are none too long and well formed, and is read as it was', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        const stored = splitTexts<unknown>(row)
        for (const text of textsOf(stored)) {
          expect(text.length).toBeLessThanOrEqual(PROPERTY_LENGTH)
          expect(text.isWellFormed()).toBe(true)
        }
        expect(joinTexts(stored)).toMatchObject(row)
      }),
    )
  })

  it('takes no more properties than it needs', () => {
    const names = (length: number) => Object.keys(splitTexts({ figures: 'x'.repeat(length) }))
    expect(names(0)).toEqual(['figures'])
    expect(names(PROPERTY_LENGTH)).toEqual(['figures'])
    expect(names(PROPERTY_LENGTH + 1)).toEqual(['figures', 'figures_2'])
    expect(names(3 * PROPERTY_LENGTH + 1)).toEqual(['figures', 'figures_2', 'figures_3', 'figures_4'])
  })

  it('keeps a pair of surrogates at the border of two pieces together', () => {
    const first = 'x'.repeat(PROPERTY_LENGTH - 1)
    expect(splitTexts({ figures: `${first}😀` })).toEqual({ figures: first, figures_2: '😀' })
    const fits = `${first.slice(1)}😀`
    expect(splitTexts({ figures: fits })).toEqual({ figures: fits })
    expect(splitTexts({ figures: `${fits}.` })).toEqual({ figures: fits, figures_2: '.' })
  })

  it('that was stored in shorter pieces is read as it was', () => {
    const [figures, figures_2] = ['x'.repeat(32_000), 'y']
    expect(joinTexts({ figures, figures_2 }).figures).toBe(figures + figures_2)
  })

  it('is stored as it is where its texts are short', () => {
    const row = { v: 1, state: 'landed', figures: '{}', at: new Date(0) }
    expect(splitTexts<unknown>(row)).toEqual(row)
    expect(joinTexts<unknown>(row)).toEqual(row)
  })

  it('that lost a piece is not read past the gap', () => {
    const { figures_2: _, ...rest } = splitTexts({ figures: 'x'.repeat(90_000) })
    expect(joinTexts(rest).figures).toHaveLength(PROPERTY_LENGTH)
  })
})
