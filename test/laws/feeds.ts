/** A feed as a person writes it. Its dataset has days as grain, and its windows are due three days after their end. */
export type FeedLine = {
  readonly name: string
  readonly account: 'default' | 'other'
  readonly window: 'P1D' | 'P1W'
  /** Days, as ISO dates. */
  readonly from: string
  readonly to?: string
  readonly enabled: boolean
}

/** feeds.json. `snapshots`: whether it also names a feed of snapshots, each of two days. */
export type FeedFile = { readonly lines: readonly FeedLine[]; readonly snapshots: boolean }

export const SNAPSHOTS = 'profile'

/** How many days after its end a window is due. */
export const DELAY_DAYS = 3

export function textOf({ lines, snapshots }: FeedFile): string {
  const windows = lines.map((line) => ({ ...line, dataset: 'MSLearn', columns: ['CompletionDate', 'TrainingName'] }))
  const profile = { name: SNAPSHOTS, dataset: 'Profile', snapshot: 'P2D', columns: ['MPNId', 'PartnerName'] }
  const feeds = [...windows, ...(snapshots ? [profile] : [])]
  return JSON.stringify({ accounts: { other: {} }, feeds: feeds.map((feed) => ({ ...feed, shards: 1 })) })
}

/** The feeds that ask for windows. */
export const namesOf = ({ lines, snapshots }: FeedFile): readonly string[] => [
  ...lines.filter(({ enabled }) => enabled).map(({ name }) => name),
  ...(snapshots ? [SNAPSHOTS] : []),
]
