import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextOccurrence, parseNcrontab, type Schedule } from '../../src/core/time/ncrontab.ts'

function read(text: string): Schedule {
  const schedule = parseNcrontab(text)
  if (!schedule) throw new Error(`${text} is no schedule`)
  return schedule
}

const next = (text: string, after: string) => nextOccurrence(read(text), new Date(after))?.toISOString()

test.each([
  ['*/2 * * * * *', '2026-03-01T00:00:01.500Z', '2026-03-01T00:00:02.000Z'],
  ['*/2 * * * * *', '2026-03-01T00:00:02.000Z', '2026-03-01T00:00:04.000Z'],
  ['0 */15 * * * *', '2026-03-01T00:45:00.000Z', '2026-03-01T01:00:00.000Z'],
  ['0 */5 * * * *', '2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00.000Z'],
  ['30 5 1,13 * * *', '2026-03-01T01:05:30.000Z', '2026-03-01T13:05:30.000Z'],
  ['0 0 9-17/4 * * *', '2026-03-01T09:00:00.000Z', '2026-03-01T13:00:00.000Z'],
  ['0 50/4 * * * *', '2026-03-01T00:50:00.000Z', '2026-03-01T00:54:00.000Z'],
  ['0 50/4 * * * *', '2026-03-01T00:58:00.000Z', '2026-03-01T01:50:00.000Z'],
  ['0 0 0 31 * *', '2026-01-31T00:00:00.000Z', '2026-03-31T00:00:00.000Z'],
  ['0 0 0 29 2 *', '2026-03-01T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
  ['0 0 0 29 2 mon', '2096-03-01T00:00:00.000Z', '2112-02-29T00:00:00.000Z'],
  ['0 0 12 * * mon-fri', '2026-11-20T12:00:00.000Z', '2026-11-23T12:00:00.000Z'],
  ['0 0 0 * * sunday', '2026-11-21T00:00:00.000Z', '2026-11-22T00:00:00.000Z'],
  ['0 0 0 1 jan,JUL *', '2026-01-01T00:00:00.000Z', '2026-07-01T00:00:00.000Z'],
  ['0 0 0 13 * fri', '2026-11-14T00:00:00.000Z', '2027-08-13T00:00:00.000Z'],
])('%s after %s is %s', (text, after, expected) => {
  expect(next(text, after)).toBe(expected)
})

test('a day that never comes has no next time', () => {
  expect(next('0 0 0 30 2 *', '2026-01-01T00:00:00Z')).toBeUndefined()
})

test.each([
  '',
  '* * * * *',
  '* * * * * * *',
  '60 * * * * *',
  '* 60 * * * *',
  '* * 24 * * *',
  '* * * 0 * *',
  '* * * 32 * *',
  '* * * * 13 *',
  '* * * * * 7',
  '*/0 * * * * *',
  '1-2-3 * * * * *',
  '1,,2 * * * * *',
  '-1 * * * * *',
  '1/2/3 * * * * *',
  'jan * * * * *',
  '* * * * mon *',
  '00:00:02',
])('%j is no schedule', (text) => {
  expect(parseNcrontab(text)).toBeUndefined()
})

const field = (first: number, last: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min: first, max: last }).map(String),
    fc.integer({ min: 1, max: 9 }).map((step) => `*/${step}`),
    fc
      .tuple(fc.integer({ min: first, max: last }), fc.integer({ min: first, max: last }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  )

const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })

function names(schedule: Schedule, time: Date): boolean {
  return (
    schedule.seconds.has(time.getUTCSeconds()) &&
    schedule.minutes.has(time.getUTCMinutes()) &&
    schedule.hours.has(time.getUTCHours()) &&
    schedule.days.has(time.getUTCDate()) &&
    schedule.months.has(time.getUTCMonth() + 1) &&
    schedule.weekdays.has(time.getUTCDay())
  )
}

test('the next time is later, is named by the schedule, and nothing between is', () => {
  const text = fc.tuple(field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
  const law = (fields: readonly string[], after: Date, share: number) => {
    const schedule = read(fields.join(' '))
    const found = nextOccurrence(schedule, after)
    if (!found) throw new Error('every one of these comes again')
    expect(found.getTime()).toBeGreaterThan(after.getTime())
    expect(names(schedule, found)).toBe(true)
    const between = new Date(Math.floor((after.getTime() + (found.getTime() - after.getTime()) * share) / 1000) * 1000)
    if (between > after && between < found) expect(names(schedule, between)).toBe(false)
  }
  fc.assert(fc.property(text, instant, fc.double({ min: 0, max: 1, noNaN: true }), law), { numRuns: 300 })
})
