import fc from 'fast-check'
import { expect, it } from 'vitest'
import { queryName, reportName } from '../../src/core/ledger/remote-names.ts'
import { feedOf } from './feed-of.ts'

const name = fc.stringMatching(/^[a-z][a-z0-9-]{1,39}$/)
const deployment = fc.stringMatching(/^[a-z0-9]{1,12}$/)
const window = fc.integer({ min: 0, max: 300 }).map((month) => ({
  from: new Date(Date.UTC(2000, month, 1)),
  to: new Date(Date.UTC(2000, month + 1, 1)),
}))
const subject = fc.tuple(deployment, name, window, fc.integer({ min: 1, max: 999 }))

it('a report is named by deployment, feed, window and attempt', () => {
  const may = { from: new Date('2025-05-01T00:00:00Z'), to: new Date('2025-06-01T00:00:00Z') }
  expect(reportName('prod', feedOf(), may, 3)).toBe('pis prod azureXusage 20250501T000000Z 20250601T000000Z 3')
})

it('names hold letters, digits and blanks only', () => {
  fc.assert(
    fc.property(subject, ([site, feed, span, attempt]) => {
      const named = { ...feedOf(), name: feed }
      expect(reportName(site, named, span, attempt)).toMatch(/^[A-Za-z0-9 ]+$/)
      expect(queryName(site, named)).toMatch(/^[A-Za-z0-9 ]+$/)
    }),
  )
})

it('two attempts, windows, feeds or deployments never share a name', () => {
  fc.assert(
    fc.property(subject, subject, (one, other) => {
      const named = ([site, feed, span, attempt]: typeof one) =>
        reportName(site, { ...feedOf(), name: feed }, span, attempt)
      expect(named(one) === named(other)).toBe(JSON.stringify(one) === JSON.stringify(other))
    }),
  )
  fc.assert(
    fc.property(name, name, (one, other) => {
      const named = (feed: string) => queryName('prod', { ...feedOf(), name: feed })
      expect(named(one) === named(other)).toBe(one === other)
    }),
  )
})

it('another form of a feed is another query', () => {
  expect(queryName('prod', feedOf({ columns: ['Month'] }))).not.toBe(queryName('prod', feedOf()))
})
