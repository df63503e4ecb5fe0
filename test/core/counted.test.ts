import { expect, it } from 'vitest'
import { agreeing, counted } from '../../src/core/counted.ts'

it('a noun, and its verb, go with their number', () => {
  expect([0, 1, 2].map((count) => counted(count, 'feed'))).toEqual(['0 feeds', '1 feed', '2 feeds'])
  expect([1, 2].map((count) => counted(count, 'window is', 'windows are'))).toEqual(['1 window is', '2 windows are'])
  expect([1, 2].map((count) => agreeing(count, 'try', 'tries'))).toEqual(['try', 'tries'])
})
