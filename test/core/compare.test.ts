import { expect, it } from 'vitest'
import { compareFeeds } from '../../src/core/feeds/compare.ts'
import { feedOf } from './feed-of.ts'

/** The fields that differ between two feeds, each given as in feeds.json. */
function changed(before: object, after: object, of: object = {}): readonly string[] {
  const [change] = compareFeeds([feedOf({ ...of, ...before })], [feedOf({ ...of, ...after })])
  return change?.change === 'changed' ? change.fields : []
}

it('a changed feed is named by the fields of feeds.json', () => {
  const cases: readonly (readonly [before: object, after: object])[] = [
    [{}, { from: 'P12M' }],
    [{ to: '2025-01-01' }, { to: '2026-01-01' }],
    [{}, { window: 'P3M' }],
    [{}, { backfillWindow: 'P3M' }],
    [{}, { openWindow: false }],
    [{}, { refresh: { every: 'P3D' } }],
    [{}, { refresh: false }],
    [{}, { columns: ['Month', 'CustomerName'] }],
    [{}, { where: "CustomerName != 'nobody'" }],
    [{}, { distinct: true }],
    [{}, { delay: 'P9D' }],
    [{ queryId: 'a' }, { queryId: 'b' }],
    [{}, { enabled: false }],
  ]
  for (const [before, after] of cases) {
    expect(changed(before, after), JSON.stringify(after)).toEqual(Object.keys(after))
    expect(changed(after, before), JSON.stringify(before)).toEqual(Object.keys(after))
  }
  expect(changed({ snapshot: 'P1D' }, { snapshot: 'P7D' }, { dataset: 'Profile' })).toEqual(['snapshot'])
  expect(changed({ columns: ['Month'] }, { queryId: 'a' })).toEqual(['columns', 'queryId'])
})

it('a feed of a dataset that the catalogue lacks differs in window where the grain follows from it', () => {
  const of = { dataset: 'NotInCatalogue', timeColumn: 'Day', openWindow: false }
  expect(changed({ window: 'P1D' }, { window: 'P1M' }, of)).toEqual(['window'])
})
