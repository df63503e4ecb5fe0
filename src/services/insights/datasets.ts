import { type Failure, failed, isFailure } from '../../core/failures.ts'
import { findListed, type ListedDataset } from '../../core/feeds/feed-query.ts'
import type { OfferedDataset } from '../../core/ledger/offer.ts'
import { present } from '../../core/present.ts'
import { type Item, numberOf, textOf, textsOf } from './answer.ts'
import { queryOf } from './call.ts'
import type { List, Listing } from './pages.ts'
import { correlationNote } from './refusals.ts'

/** A dataset with more names, or with longer ones, is a fault of the answer: the time to check a query grows with both. */
const MOST_NAMES = 1000
const LONGEST_NAME = 255

/** What a dataset offers now. */
export type LiveDataset = ListedDataset & { readonly minimumRecurrenceIntervalHours?: number }

/** All datasets, or those with a name. */
export async function listDatasets(list: List, name: string | undefined): Promise<readonly LiveDataset[] | Failure> {
  const found = await askForDatasets(list, name)
  return isFailure(found) ? found : found.items.flatMap(toDataset)
}

function askForDatasets(list: List, name: string | undefined): Promise<Listing | Failure> {
  const path = `/ScheduledDataset?${queryOf({ datasetName: name })}`
  return list({ path, about: name === undefined ? 'datasets' : `dataset ${name}` })
}

/**
 * All datasets, to compare with what was offered before. Fails where the answer may have lost one: what the service says to
 * have nothing of is 404, and each dataset has a name.
 */
export async function offeredDatasets(list: List): Promise<readonly OfferedDataset[] | Failure> {
  const found = await list({ path: `/ScheduledDataset?${queryOf({})}`, about: 'datasets' })
  if (isFailure(found)) return found
  const offered = found.items.flatMap((item) => toDataset(item).map((each) => ({ ...each, isWhole: isWhole(item) })))
  const isReadable = offered.length === found.items.length && (offered.length > 0 || found.nothing !== undefined)
  return isReadable ? offered : failed('unavailable', 'datasets: the answer names none, or one without a name')
}

/** Whether all that a dataset offers could be read. Each one that was seen has columns. */
function isWhole(item: Item): boolean {
  const isRead = (list: string) => {
    const value = item[list.toLowerCase()]
    return Array.isArray(value) && namesOf(item, list).length === value.length
  }
  const lists = ['selectableColumns', 'availableMetrics', 'availableDateRanges']
  return lists.every(isRead) && namesOf(item, 'selectableColumns').length > 0
}

/** The dataset with one of these names. Each name is asked for only where the service lacks the ones before it. */
export async function findLiveDataset(list: List, spellings: readonly string[]): Promise<LiveDataset | Failure> {
  let note = ''
  for (const spelling of spellings) {
    const found = await askForDatasets(list, spelling)
    if (isFailure(found)) return found
    const dataset = findListed(found.items.flatMap(toDataset), spellings)
    if (dataset) return dataset
    note = correlationNote(found.correlationId)
  }
  const names = spellings.join(' or ')
  return failed('query-refused', `dataset ${names}: the service does not offer it${note}; correct the feed`)
}

function toDataset(item: Item): readonly LiveDataset[] {
  const name = textOf(item, 'datasetName')
  if (!name) return []
  const dataset = present<LiveDataset>({
    name,
    columns: namesOf(item, 'selectableColumns'),
    metrics: namesOf(item, 'availableMetrics'),
    ranges: namesOf(item, 'availableDateRanges'),
    minimumRecurrenceIntervalHours: numberOf(item, 'minimumRecurrenceInterval'),
  })
  return [dataset]
}

function namesOf(item: Item, list: string): readonly string[] {
  return textsOf(item, list)
    .filter((name) => name.length <= LONGEST_NAME)
    .slice(0, MOST_NAMES)
}
