import { describe, expect, test } from 'vitest'
import { FAILURES } from '../../src/core/failures.ts'
import { TIMERS } from '../../src/core/status/timers.ts'
import { MINUTE_MS } from '../../src/core/time/durations.ts'
import { timerPeriods } from '../../src/settings/schedules.ts'
import { codeOf, namesIn, rowsOf, section, textOf } from './page.ts'

const PAGE = textOf('docs/troubleshooting.md')

/** The heading of each table of kinds, by what heals them. */
const HEADINGS = {
  time: '### Heals with time',
  change: '### Waits for a change',
  person: '### Waits for a person',
} as const satisfies Record<(typeof FAILURES)[keyof typeof FAILURES]['heals'], string>

describe('troubleshooting.md', () => {
  test.each(Object.entries(HEADINGS))(
    'has exactly the kinds that heal by %s, with their remedies',
    (heals, heading) => {
      const documented = rowsOf(section(PAGE, heading), 'kind').map(({ kind, remedy, type }) => [
        codeOf(kind),
        { remedy: remedy?.replaceAll('\\<', '<'), command: codeOf(type) },
      ])
      const kinds = Object.entries(FAILURES).filter(([, failure]) => failure.heals === heals)
      expect(kinds.length).toBeGreaterThan(0)
      expect(Object.fromEntries(documented)).toEqual(
        Object.fromEntries(kinds.map(([kind, { remedy, command }]) => [kind, { remedy, command }])),
      )
      expect(documented).toHaveLength(kinds.length)
    },
  )

  test('says of each kind when it happens', () => {
    for (const { kind, when } of rowsOf(PAGE, 'kind')) expect(when, kind).not.toBe('')
    expect(namesIn(rowsOf(PAGE, 'kind'), 'kind').every((kind) => Object.hasOwn(FAILURES, kind))).toBe(true)
  })

  test('has exactly the events of the app', () => {
    const [, union = ''] = /type EventName =\n(.*?)\n\n/s.exec(textOf('src/core/events.ts')) ?? []
    const events = Array.from(union.matchAll(/'([^']+)'/g), ([, name = '']) => name)
    expect(events.length).toBeGreaterThan(10)
    expect(namesIn(rowsOf(PAGE, 'event'), 'event').toSorted()).toEqual(events.toSorted())
  })

  test('says of timers that have stopped after how long that shows, by the schedules and the alarm', () => {
    const part = section(PAGE, '## Timers that have stopped')
    const { provision, sweep } = timerPeriods({}, [])
    expect(part).toContain(`\`provision\` has finished no tick for ${(3 * provision) / MINUTE_MS} minutes`)
    expect(part).toContain(`\`sweep\` has finished no tick for ${(3 * sweep) / MINUTE_MS} minutes`)
    const alerts = textOf('infra/modules/alerts.bicep')
    const [, silence = ''] = /^resource silence (.*?)^}/ms.exec(alerts) ?? []
    expect(silence).toMatch(/evaluationFrequency: 'PT15M'\s+windowSize: 'PT1H'/)
    expect(alerts).toMatch(/AppRequests\s+\| where OperationName == 'provision' and Success/)
    expect(part).toMatch(/looks every 15\s+minutes whether `provision` has succeeded within the last hour/)
  })

  test('says how to run each timer over HTTP, by a route that the app has', () => {
    const part = section(PAGE, '## Timers that have stopped')
    const { routePrefix } = JSON.parse(textOf('host.json')).extensions.http
    const route = /route: '(run\/\{step\})',\s+methods: \['POST'\],\s+authLevel: 'function'/
    expect(textOf('src/functions.ts')).toMatch(route)
    for (const timer of TIMERS)
      expect(part).toContain(
        `curl -X POST -d '' -H "x-functions-key: <function key>" "https://<site host>/${routePrefix}/run/${timer}"`,
      )
  })
})
