/** Reads host.json. */

import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { withoutMark } from '../../src/services/text-file.ts'

/** What the stand-in reads from host.json, with every default filled in. */
export type HostSettings = {
  readonly routePrefix: string
  /** Undefined is no limit. */
  readonly functionTimeoutMilliseconds: number | undefined
  readonly queues: QueueSettings
}

export type QueueSettings = {
  readonly batchSize: number
  /** The next batch is fetched when no more than this many messages are being worked on. */
  readonly newBatchThreshold: number
  /** How long a message stays invisible after a failure. */
  readonly visibilityTimeoutMilliseconds: number
  readonly maxDequeueCount: number
  readonly maxPollingIntervalMilliseconds: number
}

type HostJson = {
  functionTimeout?: unknown
  extensions?: { http?: { routePrefix?: unknown }; queues?: Record<string, unknown> }
}

/** Reads host.json in an app's folder. A missing one means all defaults. Throws one line that names a wrong value. */
export function readHostJson(root: string): HostSettings {
  const file = join(root, 'host.json')
  return parseHostJson(existsSync(file) ? withoutMark(readFileSync(file, 'utf8')) : '{}')
}

/** As `readHostJson`, for its text. */
export function parseHostJson(text: string): HostSettings {
  const { functionTimeout, extensions } = parseJson(text)
  const isUnlimited = functionTimeout === '-1' || functionTimeout === -1
  const prefix = extensions?.http?.routePrefix ?? 'api'
  if (typeof prefix !== 'string') throw new Error('host.json: extensions.http.routePrefix is not a text')
  return {
    routePrefix: prefix,
    functionTimeoutMilliseconds: isUnlimited ? undefined : readSpan('functionTimeout', functionTimeout ?? '00:30:00'),
    queues: readQueues(extensions?.queues ?? {}),
  }
}

function parseJson(text: string): HostJson {
  try {
    return JSON.parse(text) as HostJson
  } catch {
    throw new Error('host.json is not JSON')
  }
}

function readQueues(queues: Record<string, unknown>): QueueSettings {
  const batchSize = readCount(queues, 'batchSize', 16, { least: 1, most: 32 })
  const threshold = Math.floor((batchSize / 2) * availableParallelism())
  return {
    batchSize,
    newBatchThreshold: readCount(queues, 'newBatchThreshold', threshold, { least: 0 }),
    visibilityTimeoutMilliseconds: readSpan('queues.visibilityTimeout', queues.visibilityTimeout ?? '00:00:00'),
    maxDequeueCount: readCount(queues, 'maxDequeueCount', 5, { least: 1 }),
    // The host's own default on a developer's machine. In Azure it is a minute.
    maxPollingIntervalMilliseconds: readSpan('queues.maxPollingInterval', queues.maxPollingInterval ?? '00:00:02'),
  }
}

function readCount(
  queues: Record<string, unknown>,
  name: string,
  otherwise: number,
  { least, most = Number.MAX_SAFE_INTEGER }: { least: number; most?: number },
): number {
  const value = queues[name] ?? otherwise
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`host.json: extensions.queues.${name} is not a whole number from ${least}`)
}

/** Reads a .NET time span such as `00:01:00` or `1.00:00:00` as milliseconds. */
function readSpan(name: string, value: unknown): number {
  const match = typeof value === 'string' && /^(?:(\d+)\.)?(\d{1,2}):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?$/.exec(value)
  if (!match) throw new Error(`host.json: ${name} is not a time span such as 00:01:00`)
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1, 5).map((part) => Number(part ?? 0))
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + Number((match[5] ?? '').padEnd(3, '0'))
}
