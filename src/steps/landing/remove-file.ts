import { type Failure, isFailure } from '../../core/failures.ts'
import { tellOnce } from '../ledger/tell-once.ts'
import type { Services } from '../services.ts'

/** Removes a file of a feed. False where the storage refuses, such as for a lease: no other file waits for that one. */
export async function removeFile(services: Services, feed: string, name: string): Promise<boolean> {
  const refused = await services.archive.remove(name)
  if (isFailure(refused)) await tellNotRemoved(services, feed, refused)
  return refused === undefined
}

/** Tells once a day that something of a feed cannot be removed. Which file it was changes, and is no news. */
export async function tellNotRemoved(services: Services, feed: string, { kind, message }: Failure): Promise<void> {
  const event = { event: 'cleanup.failing', feed, kind, message } as const
  await tellOnce(services, `removal~${feed}`, event, { kind })
}
