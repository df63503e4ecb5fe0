import { odata, type TableClient } from '@azure/data-tables'
import { type Failure, isFailure } from '../../core/failures.ts'
import { FEED_ROWS, feedRowKey, LEFT_OUT } from '../../core/ledger/app-rows.ts'
import type { FeedOutline, FeedRow } from '../../core/ledger/feed-row.ts'
import { joinTexts, pieceNames } from '../../core/ledger/long-texts.ts'
import { fromFeedFields, fromOutlineField, toFeedFields } from '../../core/ledger/stored-feed-row.ts'
import { parseJson } from '../parse-json.ts'
import { deleteRow, type Keys, type Row, readRow, writeRow } from './conditional-rows.ts'
import type { AppRows, Ledger, Stored, Timer } from './ledger.ts'

/** PartitionKey of the rows that are about the app, not about a window. */
const APP = '_app'

/** The part of the ledger that is not about windows: the rows of feeds, and those of the app. */
export function openAppRows(
  client: TableClient,
): Pick<Ledger, 'readFeed' | 'writeFeed' | 'feeds' | 'readApp' | 'writeApp' | 'removeApp' | 'appRows'> {
  return {
    async readFeed(name) {
      const row = await readRow(client, APP, feedRowKey(name))
      return row && storedFeed(row)
    },
    writeFeed: (row, etag) => writeRow(client, row, toFeedFields(row), keysOf(feedRowKey(row.feed.name)), etag),
    feeds: () => listFeeds(client),
    async readApp<T>(key: string) {
      const row = await readRow(client, APP, key)
      // A row that something else wrote is as good as empty: whoever wants a field of it does not find it.
      return row && { value: (parseJson(String(joinTexts(row).json)) ?? {}) as T, etag: row.etag }
    },
    writeApp: (key, value, etag) => writeRow(client, value, { json: JSON.stringify(value) }, keysOf(key), etag),
    removeApp: (key, etag) => deleteRow(client, keysOf(key), etag),
    appRows: (timer) => readAppRows(client, timer),
  }
}

function storedFeed(row: Row): Stored<FeedRow> | Failure {
  const value = fromFeedFields(feedOfKey(row), joinTexts(row))
  return isFailure(value) ? value : { value, etag: row.etag }
}

function storedOutline(row: Row): Stored<FeedOutline> | Failure {
  const value = fromOutlineField(feedOfKey(row), row.json)
  return isFailure(value) ? value : { value, etag: row.etag }
}

function feedOfKey({ rowKey = '' }: Row): string {
  return rowKey.slice(FEED_ROWS.length)
}

async function listFeeds(client: TableClient): Promise<readonly (FeedRow | Failure)[]> {
  const filter = `${OF_APP} and ${beginsWith(FEED_ROWS)}`
  const list = client.listEntities<Row>({ queryOptions: { filter } })
  return Array.fromAsync(list, (row) => fromFeedFields(feedOfKey(row), joinTexts(row)))
}

const OF_APP = odata`PartitionKey eq ${APP}`
const beginsWith = (prefix: string) => odata`(RowKey ge ${prefix} and RowKey lt ${`${prefix}\uffff`})`

async function readAppRows(client: TableClient, timer: Timer | undefined): Promise<AppRows> {
  const leftOut = timer ? LEFT_OUT[timer] : []
  const filter = [OF_APP, ...leftOut.map((prefix) => `not ${beginsWith(prefix)}`)].join(' and ')
  const queryOptions = { filter, select: ['RowKey', ...pieceNames('json')] }
  const rows = await Array.fromAsync(client.listEntities<Row>({ queryOptions }), (row) => ({
    ...row,
    json: joinTexts(row).json,
  }))
  const feeds = rows.filter(({ rowKey }) => rowKey?.startsWith(FEED_ROWS))
  const byKey = new Map(rows.map((row) => [row.rowKey, row]))
  return {
    feeds: new Map(feeds.map((row) => [feedOfKey(row), storedOutline(row)])),
    get(key) {
      const row = byKey.get(key)
      return row && { value: parseJson(String(row.json)), etag: row.etag }
    },
  }
}

function keysOf(key: string): Keys {
  return { partitionKey: APP, rowKey: key }
}
