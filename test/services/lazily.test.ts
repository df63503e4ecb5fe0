import { expect, test } from 'vitest'
import { lazily } from '../../src/services/lazily.ts'

test('what is opened lazily is opened once, also for those who ask at the same time', async () => {
  let times = 0
  const open = lazily(async () => ++times)
  expect(times).toBe(0)
  expect(await Promise.all([open(), open()])).toEqual([1, 1])
  expect(await open()).toBe(1)
})

test('a failure is told to all who waited for it, and not kept', async () => {
  const answers = [Promise.reject(new Error('the file cannot be read')), Promise.resolve('read')]
  const open = lazily(async () => answers.shift())
  const both = await Promise.allSettled([open(), open()])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await open()).toBe('read')
})
