import type { ChildProcess } from 'node:child_process'
import { startAzurite } from '../local/azurite.ts'
import { nextMessage, startNode, stopProcess } from '../local/processes.ts'
import { type StorageProxy, startStorageProxies } from '../local/proxy.ts'
import { alignDown, GRAIN } from '../src/core/time/calendar.ts'
import type { Figures } from './figures.ts'
import type { Ran, Timer } from './idle-process.ts'
import type { Instance } from './quiet-app.ts'
import { plantQuietFeeds, type Quiet, quietFeedsText } from './quiet-feeds.ts'

/**
 * One tick of both timers: the bytes that storage answered, for each feed, and the requests of the timer that sent more of
 * them. `asked`: how often they turned to the service. `rssMb`: the peak memory until then.
 */
export type Tick = {
  readonly bytesPerFeed: number
  readonly requests: number
  readonly asked: number
  readonly rssMb: number
}

type Cost = Pick<Tick, 'bytesPerFeed' | 'requests'>

/** The first tick of a day, in which everything is audited, and the next one. */
export type IdleTicks = { readonly audit: Tick; readonly idle: Tick }

/** Few windows and many must cost the same. A date or a number may be written with more digits. */
const TOLERANCE_BYTES = 4

const FEW = 40

const APP = 'the app of the bench'

/** What quiet feeds cost. Throws where the number of their windows changes what an idle tick reads. */
export async function idleFigures(
  program: string,
  { feeds, windows }: Quiet,
  flags: readonly string[],
): Promise<Pick<Figures, 'idle_bytes_per_feed' | 'idle_requests' | 'audit_bytes_per_feed' | 'sweep_rss_mb'>> {
  const few = await measureIdle(program, { feeds, windows: FEW }, flags)
  const many = await measureIdle(program, { feeds, windows }, flags)
  requireSameCost(few.idle, many.idle)
  return {
    idle_bytes_per_feed: many.idle.bytesPerFeed,
    idle_requests: many.idle.requests,
    audit_bytes_per_feed: many.audit.bytesPerFeed,
    sweep_rss_mb: many.idle.rssMb,
  }
}

/** Throws where an idle tick over many windows costs something else than one over few. */
export function requireSameCost(few: Cost, many: Cost): void {
  const isSame = few.requests === many.requests && Math.abs(few.bytesPerFeed - many.bytesPerFeed) <= TOLERANCE_BYTES
  if (isSame) return
  const said = [few, many].map(({ bytesPerFeed, requests }) => `${bytesPerFeed} bytes a feed in ${requests} requests`)
  throw new Error(`an idle tick reads ${said.join(' for few windows, and for many ')}`)
}

/** Runs both timers twice, in an instance of the app, over storage in which every feed is quiet. */
export async function measureIdle(program: string, quiet: Quiet, flags: readonly string[] = []): Promise<IdleTicks> {
  const azurite = await startAzurite()
  const proxies = await startStorageProxies(azurite.connectionString)
  try {
    const today = alignDown(new Date(), GRAIN.day)
    await plantQuietFeeds(azurite.connectionString, quiet, today)
    const { connectionString } = proxies
    const instance: Instance = { connectionString, feedsText: quietFeedsText(quiet, today) }
    const child = startNode([...flags, program, JSON.stringify(instance)], { output: 'inherit' })
    return await twoTicks(child, proxies.all, quiet.feeds).finally(() => stopProcess(child))
  } finally {
    await proxies.close()
    await azurite.stop()
  }
}

async function twoTicks(child: ChildProcess, proxies: readonly StorageProxy[], feeds: number): Promise<IdleTicks> {
  await nextMessage<'ready'>(child, APP)
  const audit = await tick(child, proxies, feeds)
  const idle = await tick(child, proxies, feeds)
  if (idle.asked > 0) throw new Error(`an idle tick turned to the service ${idle.asked} times`)
  return { audit, idle }
}

async function tick(child: ChildProcess, proxies: readonly StorageProxy[], feeds: number): Promise<Tick> {
  const provision = await runTimer(child, 'provision', proxies)
  const sweep = await runTimer(child, 'sweep', proxies)
  return {
    bytesPerFeed: (provision.bytes + sweep.bytes) / feeds,
    requests: Math.max(provision.requests, sweep.requests),
    asked: provision.asked + sweep.asked,
    rssMb: sweep.rssMb,
  }
}

async function runTimer(child: ChildProcess, timer: Timer, proxies: readonly StorageProxy[]) {
  const requests = () => proxies.reduce((sum, proxy) => sum + proxy.count(), 0)
  const bytes = () => proxies.reduce((sum, proxy) => sum + proxy.bytesAnswered(), 0)
  const before = { requests: requests(), bytes: bytes() }
  child.send(timer)
  const ran = await nextMessage<Ran>(child, APP)
  if ('error' in ran) throw new Error(`${timer}: ${ran.error}`)
  return { ...ran, requests: requests() - before.requests, bytes: bytes() - before.bytes }
}
