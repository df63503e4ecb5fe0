import { odata, TableClient } from '@azure/data-tables'
import { startAzurite } from '../local/azurite.ts'
import { alignDown, GRAIN } from '../src/core/time/calendar.ts'
import { OVERVIEW, OVERVIEW_PAGE } from '../src/services/storage/ledger-table.ts'
import type { Services } from '../src/steps/services.ts'
import { status } from '../src/steps/status.ts'
import type { Figures } from './figures.ts'
import { median } from './measure.ts'
import { openQuietApp } from './quiet-app.ts'
import { plantQuietFeeds, type Quiet, quietFeedsText } from './quiet-feeds.ts'

/** Both sides read in turn, so often. The first round warms up. */
const TIMES = 7

/** How much longer a status takes than reading the same rows, in the same columns and pages, with the SDK alone. */
export async function statusFigures(quiet: Quiet, times = TIMES): Promise<Pick<Figures, 'status_vs_raw'>> {
  const azurite = await startAzurite()
  const { connectionString } = azurite
  try {
    const today = alignDown(new Date(), GRAIN.day)
    await plantQuietFeeds(connectionString, quiet, today)
    const services = openQuietApp({ connectionString, feedsText: quietFeedsText(quiet, today) }, () => undefined)
    const client = TableClient.fromConnectionString(connectionString, 'ledger', {
      allowInsecureConnection: true,
    })
    const ratios: number[] = []
    for (let time = 0; time <= times; time++) {
      const [app, raw] = [await appMs(services, quiet), await rawMs(client, services, quiet)]
      if (time > 0) ratios.push(app / raw)
    }
    return { status_vs_raw: median(ratios) }
  } finally {
    await azurite.stop()
  }
}

/** One status, to the JSON that is answered. */
async function appMs(services: Services, { feeds, windows }: Quiet): Promise<number> {
  const start = performance.now()
  const seen = await status(services)
  JSON.stringify(seen)
  const ms = performance.now() - start
  const read = seen.feeds.reduce((sum, feed) => sum + feed.windows.length, 0)
  if (read !== feeds * windows) throw new Error(`the status of the bench has ${read} windows`)
  return ms
}

async function rawMs(client: TableClient, { ledger }: Services, { feeds, windows }: Quiet): Promise<number> {
  const names = [...(await ledger.appRows()).feeds.keys()]
  const start = performance.now()
  let read = 0
  for (const feed of names) {
    const queryOptions = { filter: odata`PartitionKey eq ${feed}`, select: [...OVERVIEW] }
    for await (const page of client.listEntities({ queryOptions }).byPage({ maxPageSize: OVERVIEW_PAGE }))
      read += page.length
  }
  const ms = performance.now() - start
  if (read !== feeds * windows) throw new Error(`the SDK read ${read} rows in the bench`)
  return ms
}
