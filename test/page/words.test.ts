import { expect, test } from 'vitest'
import { windowName } from '../../src/core/time/words.ts'
import { ago, axisMark, exact, idDay, many, minute, short, size, span } from '../../src/page/words.ts'

const plain = (text: string) => text.replaceAll('\u202f', ' ')
const NOW = Date.parse('2026-11-26T14:32:10Z')
const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000]

test.each([
  [0, '0'],
  [999, '999'],
  [1_000, '1 000'],
  [18_420, '18 420'],
  [1_234_567, '1 234 567'],
])('%d is written %s', (count, text) => {
  expect(plain(exact(count))).toBe(text)
})

test.each([
  [0, '0'],
  [9_999, '9 999'],
  [10_000, '10 k'],
  [438_600, '439 k'],
  [999_499, '999 k'],
  [999_500, '1.0 M'],
  [1_250_000, '1.3 M'],
  [9_960_000, '10 M'],
  [3_000_000_000, '3.0 G'],
])('%d is short as %s', (count, text) => {
  expect(plain(short(count))).toBe(text)
})

test.each([
  [812, '812 B'],
  [2_344_120, '2.3 MB'],
])('%d bytes are %s', (bytes, text) => {
  expect(plain(size(bytes))).toBe(text)
})

test.each([
  [0, '0 s'],
  [40 * SECOND, '40 s'],
  [200 * SECOND, '3 min 20 s'],
  [20 * MINUTE, '20 min'],
  [2 * HOUR + 5 * MINUTE, '2 h 5 min'],
  [30 * HOUR, '30 h'],
  [11 * DAY + HOUR, '11 days'],
])('%d ms last %s', (ms, text) => {
  expect(span(ms)).toBe(text)
})

test.each([
  [-5 * MINUTE, 'just now'],
  [9 * SECOND, 'just now'],
  [59 * SECOND, '50 s ago'],
  [2 * MINUTE, '2 min ago'],
  [47 * HOUR, '47 h ago'],
  [3 * DAY, '3 days ago'],
])('%d ms ago is %s', (ms, text) => {
  expect(ago(ms)).toBe(text)
})

test.each([
  ['2026-11-26T09:05:00.000Z', '09:05 UTC'],
  ['2026-11-04T09:05:00.000Z', 'Nov 4 09:05 UTC'],
  ['2025-11-26T09:05:00.000Z', '2025-11-26 09:05 UTC'],
])('%s is %s', (instant, text) => {
  expect(minute(instant, NOW)).toBe(text)
})

test('windows and marks are as people say them', () => {
  expect(windowName('20261001T000000Z_20261101T000000Z')).toBe('October 2026')
  expect(windowName('<i>no window</i>')).toBe('<i>no window</i>')
  expect(idDay('20261005T000000Z_20261006T000000Z')).toBe('2026-10-05')
  expect(axisMark(NOW, true)).toBe('Nov 2026')
  expect(axisMark(NOW, false)).toBe('Nov 26')
  expect(plain(`${many(1, 'thing')} ${many(2_000, 'thing')} ${many(2, 'try', 'tries')}`)).toBe(
    '1 thing 2 000 things 2 tries',
  )
})
