import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { timersOf } from '../../cli/backfill/timers.ts'
import { SCHEDULES } from '../../src/settings/schedules.ts'

const NOW = new Date('2025-07-10T12:04:00Z')

it('a rehearsal has the timers of the app', async () => {
  const functions = await readFile(new URL('../../src/functions.ts', import.meta.url), 'utf8')
  for (const name of Object.keys(SCHEDULES)) expect(functions).toContain(`process.env.${name} || SCHEDULES.${name},`)
  const { nextTick, nextSweep } = timersOf({})
  expect([nextTick(NOW), nextSweep(NOW)]).toEqual([new Date('2025-07-10T12:15:00Z'), new Date('2025-07-10T12:05:00Z')])
})

it('a rehearsal takes the timers of the settings, of which one that is none never runs', () => {
  const { nextTick, nextSweep } = timersOf({ PROVISION_SCHEDULE: '0 0 * * * *', SWEEP_SCHEDULE: 'often' })
  expect(nextTick(NOW)).toEqual(new Date('2025-07-10T13:00:00Z'))
  expect(nextSweep(NOW).getUTCFullYear()).toBeGreaterThan(9999)
})
