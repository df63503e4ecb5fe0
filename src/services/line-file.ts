import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A file of lines that each end with a line feed. `longest`: the bytes of its longest line. */
export type LineFile = { readonly path: string; readonly longest: number }

/** Lines of ASCII in groups, without their line feeds. */
export type Groups = AsyncIterable<readonly string[]> | Iterable<readonly string[]>

/** What is read of a file, or written, at once, in bytes, where no line is longer. */
const CHUNK = 16 * 1024

/** Writes lines to a new file. Throws what the file system throws. */
export async function writeLines(path: string, groups: Groups): Promise<LineFile> {
  let longest = 0
  const chunks = async function* () {
    let chunk = ''
    for await (const group of groups) {
      for (const line of group) {
        longest = Math.max(longest, line.length)
        chunk += `${line}\n`
        if (chunk.length < CHUNK) continue
        yield chunk
        chunk = ''
      }
    }
    yield chunk
  }
  await pipeline(Readable.from(chunks(), { objectMode: false }), createWriteStream(path))
  return { path, longest }
}

/** The bytes of memory that an open file takes, beside the line that it stands at. */
export function roomOf({ longest }: LineFile): number {
  return longest + 1 + CHUNK
}

/** A file of lines while it is read. `line` is the one that it stands at. */
export type OpenLines = {
  readonly line: string
  /** Goes to the next line. False at the end. */
  next(): Promise<boolean> | boolean
  close(): Promise<void>
}

/** Opens a file of lines, which stands before its first one. */
export async function openLines(file: LineFile): Promise<OpenLines> {
  const handle = await open(file.path)
  const room = Buffer.allocUnsafeSlow(roomOf(file))
  let unread = room.subarray(0, 0)
  let line = ''
  const take = (): boolean => {
    const end = unread.indexOf('\n')
    if (end === -1) return false
    line = unread.toString('latin1', 0, end)
    unread = unread.subarray(end + 1)
    return true
  }
  const readOn = async (): Promise<boolean> => {
    do {
      const kept = unread.copy(room)
      const { bytesRead } = await handle.read(room, kept)
      if (bytesRead === 0) return false
      unread = room.subarray(0, kept + bytesRead)
    } while (!take())
    return true
  }
  return {
    get line() {
      return line
    },
    next: () => take() || readOn(),
    close: () => handle.close(),
  }
}
