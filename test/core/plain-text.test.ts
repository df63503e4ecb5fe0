import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import { plainJson, plainText } from '../../src/core/plain-text.ts'

const code = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index))

/** C0, DEL and C1, the line ends of Unicode, what turns the direction of a text, and what cannot be seen. */
const UNSAFE = [
  ...code(0x00, 0x1f),
  ...code(0x7f, 0x9f),
  ...['\u2028', '\u2029', '\u061c', '\u200b', '\u200e', '\u200f', '\ufeff', '\u{e0001}', '\ud800', '\udfff'],
  ...code(0x202a, 0x202e),
  ...code(0x2066, 0x2069),
]

/** Whether a terminal could do anything with a text but show it. */
const isUnsafe = (text: string) =>
  UNSAFE.some((each) => (each.length === 1 && /\p{Cs}/u.test(each) ? !text.isWellFormed() : text.includes(each)))

describe('a message', () => {
  it.each(UNSAFE)('of a failure has a blank for character %#', (unsafe) => {
    expect(failed('unavailable', `a${unsafe}b`).message).toBe('a b')
  })

  it('keeps what can be seen, in any language', () => {
    const text = 'Übung, 日本語, עברית, 👍 – “quoted” …'
    expect(failed('unavailable', text).message).toBe(text)
  })

  it('is one line of at most 1,000 characters without any of them, whatever it is made of', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...UNSAFE), fc.string({ unit: 'binary' })), { maxLength: 300 }),
        (parts) => {
          const { message } = failed('malformed', parts.join('x'.repeat(20)))
          expect(message.length).toBeLessThanOrEqual(1000)
          expect(isUnsafe(message)).toBe(false)
        },
      ),
    )
  })
})

it('a longer message is cut at 1,000 characters, and shows that it was', () => {
  const { message } = failed('malformed', 'x'.repeat(1001))
  expect(message).toBe(`${'x'.repeat(999)}…`)
  expect(failed('malformed', 'x'.repeat(1000)).message).toBe('x'.repeat(1000))
})

describe('what a command prints', () => {
  it('shows no line with any of them', () => {
    for (const unsafe of UNSAFE) expect(plainText(`a${unsafe}[31mb`)).toBe('a [31mb')
  })

  it('is JSON that reads back as it was, and holds none of them but its own line ends', () => {
    const value = { name: UNSAFE.join('-'), list: ['\u{1f600}', 'a\nb'] }
    const json = plainJson(value)
    expect(JSON.parse(json)).toEqual(value)
    expect(isUnsafe(json.replaceAll('\n', ''))).toBe(false)
  })
})
