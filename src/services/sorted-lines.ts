import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Groups, type LineFile, type OpenLines, openLines, roomOf, writeLines } from './line-file.ts'

/** Takes lines in any order and number, and gives them sorted. A line is ASCII without line feeds. */
export type LineSorter = {
  add(line: string): Promise<void>
  /** All lines, in groups. Call it once, after the last `add`. */
  sorted(): Promise<AsyncIterable<readonly string[]>>
}

/** So many bytes of lines are sorted in memory at once, and then go to a file. */
const ROOM = 4 * 1024 * 1024

/** So many files are read at once at most. More are first merged into fewer. */
const MOST_OPEN = 32

/** The files that are read at once take so many bytes of memory at most, where two of them do not take more. */
const MERGE_ROOM = 12 * 1024 * 1024

/** So many lines are given at once at most, and no further one where they have so many bytes. */
const GROUP = 1000
const GROUP_BYTES = 256 * 1024

/**
 * Sorts lines in memory that is bounded for any number of lines, and holds a few of the longest: sorted parts go to files in
 * `folder`, whose names start with `name`, and are merged while they are read. Throws what the file system throws. Who made
 * the folder removes it.
 */
export function sortLines(folder: string, name: string): LineSorter {
  // Lines that wait are bytes: as strings they would outlive the young generation of the heap, which then grows at leisure.
  const room = Buffer.allocUnsafeSlow(ROOM)
  let starts: number[] = []
  let used = 0
  let made = 0
  const files: LineFile[] = []
  const write = async (groups: Groups) => {
    files.push(await writeLines(join(folder, `${name}-${made++}`), groups))
  }
  const spill = async () => {
    await write(sortedLines(room, [...starts, used]))
    starts = []
    used = 0
  }
  return {
    async add(line) {
      if (line.length > ROOM) return write([[line]])
      if (used + line.length > ROOM) await spill()
      starts.push(used)
      used += room.write(line, used, 'latin1')
    },
    async sorted() {
      await spill()
      for (let most = mostAtOnce(files); most < files.length; most = mostAtOnce(files)) {
        const some = files.splice(0, most)
        await write(merged(some))
        await Promise.all(some.map(({ path }) => rm(path)))
      }
      return merged(files)
    },
  }
}

/** The lines between these bounds, sorted. */
function* sortedLines(room: Buffer, bounds: readonly number[]): Generator<readonly string[]> {
  const end = (index: number) => bounds[index + 1] ?? 0
  const start = (index: number) => bounds[index] ?? 0
  const order = Uint32Array.from({ length: bounds.length - 1 }, (_, index) => index)
  order.sort((a, b) => room.compare(room, start(b), end(b), start(a), end(a)))
  for (let at = 0; at < order.length; at += GROUP) {
    yield Array.from(order.subarray(at, at + GROUP), (index) => room.toString('latin1', start(index), end(index)))
  }
}

/** How many of the files, from the first, are merged at once. */
function mostAtOnce(files: readonly LineFile[]): number {
  let used = 0
  const count = files.slice(0, MOST_OPEN).findIndex((file, index) => {
    used += roomOf(file)
    return index > 1 && used > MERGE_ROOM
  })
  return count === -1 ? MOST_OPEN : count
}

async function* merged(files: readonly LineFile[]): AsyncGenerator<readonly string[]> {
  const all = await Promise.all(files.map(openLines))
  // The one with the least line is the last.
  const parts: OpenLines[] = []
  try {
    for (const part of all) if (await part.next()) insert(parts, part)
    let group: string[] = []
    let bytes = 0
    for (let part = parts.pop(); part; part = parts.pop()) {
      group.push(part.line)
      bytes += part.line.length
      const next = part.next()
      if (next === true || (await next)) insert(parts, part)
      if (group.length < GROUP && bytes < GROUP_BYTES) continue
      yield group
      group = []
      bytes = 0
    }
    yield group
  } finally {
    await Promise.all(all.map((part) => part.close()))
  }
}

/** Puts a part where the parts before it have greater lines. */
function insert(parts: OpenLines[], part: OpenLines): void {
  const { line } = part
  let [low, high] = [0, parts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((parts[middle] as OpenLines).line > line) low = middle + 1
    else high = middle
  }
  parts.splice(low, 0, part)
}
