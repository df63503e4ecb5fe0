import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Takes lines in any order and number, and gives them sorted. A line is ASCII without line feeds. */
export type LineSorter = {
  add(line: string): Promise<void>
  /** All lines, in groups. Call it once, after the last `add`. */
  sorted(): Promise<AsyncIterable<readonly string[]>>
}

/** So many bytes of lines are sorted in memory at once, and then go to a file. */
const ROOM = 4 * 1024 * 1024

/** So many files are read at once. More are first merged into fewer. */
const MOST_OPEN = 32

/** What is read of a file, or written, at once, in bytes. */
const CHUNK = 16 * 1024

/** So many lines are given at once. */
const GROUP = 1000

/**
 * Sorts lines in bounded memory, whatever their number: sorted parts go to files in `folder`, whose names start with `name`,
 * and are merged while they are read. Throws what the file system throws. Who made the folder removes it.
 */
export function sortLines(folder: string, name: string): LineSorter {
  // Lines that wait are bytes: as strings they would outlive the young generation of the heap, which then grows at leisure.
  const room = Buffer.allocUnsafeSlow(ROOM)
  let starts: number[] = []
  let used = 0
  let made = 0
  const files: string[] = []
  const write = async (groups: Groups) => {
    const file = join(folder, `${name}-${made++}`)
    await pipeline(Readable.from(chunksOf(groups), { objectMode: false }), createWriteStream(file))
    files.push(file)
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
      while (files.length > MOST_OPEN) {
        const some = files.splice(0, MOST_OPEN)
        await write(merged(some))
        await Promise.all(some.map((file) => rm(file)))
      }
      return merged(files)
    },
  }
}

type Groups = AsyncIterable<readonly string[]> | Iterable<readonly string[]>

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

async function* chunksOf(groups: Groups): AsyncGenerator<string> {
  let chunk = ''
  for await (const group of groups) {
    for (const line of group) {
      chunk += `${line}\n`
      if (chunk.length < CHUNK) continue
      yield chunk
      chunk = ''
    }
  }
  yield chunk
}

/** One of the files that are merged: the lines that were read of it, and where it stands in them. */
type Part = { readonly groups: AsyncIterator<readonly string[]>; lines: readonly string[]; at: number }

async function* merged(files: readonly string[]): AsyncGenerator<readonly string[]> {
  const all = files.map((file): Part => ({ groups: linesOf(file), lines: [], at: 0 }))
  // The one with the least line is the last.
  const parts: Part[] = []
  try {
    for (const part of all) if (await readOn(part)) insert(parts, part)
    let group: string[] = []
    for (let part = parts.pop(); part; part = parts.pop()) {
      group.push(headOf(part))
      part.at++
      if (part.at < part.lines.length || (await readOn(part))) insert(parts, part)
      if (group.length < GROUP) continue
      yield group
      group = []
    }
    yield group
  } finally {
    await Promise.all(all.map(({ groups }) => groups.return?.()))
  }
}

/** Reads the next lines of a file. False at its end. */
async function readOn(part: Part): Promise<boolean> {
  const { done, value } = await part.groups.next()
  part.lines = done ? [] : value
  part.at = 0
  return !done
}

function headOf({ lines, at }: Part): string {
  return lines[at] ?? ''
}

/** Puts a part where the parts before it have greater lines. */
function insert(parts: Part[], part: Part): void {
  const line = headOf(part)
  let [low, high] = [0, parts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (headOf(parts[middle] as Part) > line) low = middle + 1
    else high = middle
  }
  parts.splice(low, 0, part)
}

async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
  let rest = ''
  const chunks: AsyncIterable<string> = createReadStream(file, { encoding: 'latin1', highWaterMark: CHUNK })
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (lines.length > 0) yield lines
  }
}
