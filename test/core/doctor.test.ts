import { expect, test } from 'vitest'
import { healthFinding } from '../../src/core/doctor.ts'

test('where health says 503, the remedy names the event of each cause: wrong settings and a silent timer', () => {
  const { message, remedy } = healthFinding(503)
  expect(message).toMatch(/settings are wrong or a timer is silent/)
  expect(remedy).toMatch(/app\.settings and timer\.silent/)
})
