import { type Drop, dropOfBlobs, type WindowBlobs } from '../../core/ledger/drop.ts'
import type { FeedOutline } from '../../core/ledger/feed-row.ts'
import type { EntryKey } from '../../core/ledger/ledger.ts'
import { newGeneration } from '../../core/report/generation.ts'
import type { Services } from '../services.ts'

/** Lets the files of a window go: those of its attempts up to one, except an archive that is to stay. */
export function dropOfFiles(
  { clock, newId }: Pick<Services, 'clock' | 'newId'>,
  { feed: { table } }: Pick<FeedOutline, 'feed'>,
  key: EntryKey,
  files: Omit<WindowBlobs, 'window'>,
): Drop {
  return dropOfBlobs(key, files, { table, fresh: newGeneration(newId), now: clock() })
}
