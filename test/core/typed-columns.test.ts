import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { compareFeeds } from '../../src/core/feeds/compare.ts'
import { newFeedRow } from '../../src/core/ledger/feed-row.ts'
import { fromFeedFields, toFeedFields } from '../../src/core/ledger/stored-feed-row.ts'
import { feedOf } from './feed-of.ts'

const types = { usagequantity: 'double', ' Seats ': 'int64' }

describe('the columns that a user gives types', () => {
  it('are known for a query of the user, in the spelling in which they land', () => {
    expect(feedOf({ queryId: 'q', types }).mustHave).toEqual(['Seats', 'UsageQuantity'])
    expect(feedOf({ query: 'SELECT Month FROM AzureUsage', types }).mustHave).toEqual(['Seats', 'UsageQuantity'])
  })

  it('are not asked for where the app writes the query, or where there are none', () => {
    expect(feedOf({ types: { UsageQuantity: 'string' } })).not.toHaveProperty('mustHave')
    expect(feedOf({ queryId: 'q' })).not.toHaveProperty('mustHave')
  })

  it('come back from the row of the feed', () => {
    const feed = feedOf({ queryId: 'q', types })
    const row = fromFeedFields(feed.name, toFeedFields(newFeedRow(feed, {}, new Date(0))))
    expect(!isFailure(row) && row.feed).toEqual(feed)
  })

  it('differ as the field types, also where the catalogue gives a column the same type', () => {
    const [before, after] = [{}, { types: { UsageQuantity: 'double' } }].map((more) =>
      feedOf({ queryId: 'q', ...more }),
    )
    if (!before || !after) throw new Error('two feeds')
    expect(before.types).toEqual(after.types)
    expect(before.hash).not.toBe(after.hash)
    expect(compareFeeds([before], [after])).toEqual([{ feed: after.name, change: 'changed', fields: ['types'] }])
  })
})
