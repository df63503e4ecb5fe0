import { expect, test } from 'vitest'
import { MINUTE_MS } from '../../src/core/time/durations.ts'
import { lengthWords } from '../../src/core/time/words.ts'

test.each([
  [0, '1 minute'],
  [25, '25 minutes'],
  [59, '59 minutes'],
  [60, '1 hour'],
  [100, '2 hours'],
  [47 * 60, '47 hours'],
  [48 * 60, '2 days'],
  [184 * 60, '8 days'],
])('%i minutes last %s', (minutes, said) => {
  expect(lengthWords(minutes * MINUTE_MS)).toBe(said)
})
