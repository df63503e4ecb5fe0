import { type Dataset, findDataset } from '../catalog.ts'
import { isSameName } from '../names.ts'
import { present } from '../present.ts'
import { IDENTIFIER } from './fields.ts'
import {
  addProblem,
  type FeedSection,
  isGiven,
  matching,
  parseDurationField,
  parseText,
  read,
  readRequired,
  refuseGiven,
  show,
  suggest,
} from './section.ts'

/** How late the data of a dataset settles that nobody documented: a week, longer than most of the others take. */
const UNKNOWN_LATENCY = 'P7D'

/** Reads the dataset of a feed. The service may list one that the catalogue lacks: then the feed says what its time is. */
export function readDataset(feed: FeedSection, catalogue: readonly Dataset[]): Dataset | undefined {
  const name = readRequired(feed, 'dataset', parseText)
  if (name === undefined) return undefined
  const known = findDataset(catalogue, name)
  if (!known) return readOther(feed, name.trim(), catalogue)
  const { timeColumn } = known
  const given = read(feed, 'timeColumn', matching(IDENTIFIER))
  if (given !== undefined && !isSameName(given, timeColumn ?? '')) {
    const what = timeColumn === undefined ? `${known.name} has no` : `${timeColumn} is its`
    refuseGiven(feed, ['timeColumn'], `${what} time column`)
  }
  return known
}

function readOther(feed: FeedSection, name: string, catalogue: readonly Dataset[]): Dataset | undefined {
  const timeColumn = read(feed, 'timeColumn', matching(IDENTIFIER))
  const window = parseDurationField(feed.values.window)
  const isSnapshot = isGiven(feed, 'snapshot') && !isGiven(feed, 'timeColumn')
  if (!IDENTIFIER.test(name) || !(isSnapshot || (timeColumn && window))) {
    const names = catalogue.flatMap((each) => [each.name, ...(each.aliases ?? [])])
    const needed = 'if the service lists it, add timeColumn and window, or snapshot where it has no time'
    addProblem(feed, `dataset is ${show(name)}, which the catalogue does not have${suggest(name, names)}; ${needed}`)
    return undefined
  }
  return present<Dataset>({
    name,
    title: name,
    observed: false,
    timeColumn: isSnapshot ? undefined : timeColumn,
    grain: isSnapshot || !window ? undefined : window.months > 0 ? 'month' : 'day',
    latency: UNKNOWN_LATENCY,
    refreshInterval: UNKNOWN_LATENCY,
    restates: false,
    ranges: [],
    minimumRecurrenceIntervalHours: 24,
    basis: {},
    columns: [],
    metrics: [],
  })
}
