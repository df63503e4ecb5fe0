/** One `npm start` at a time in a folder: a second one would write over the settings, the build and the state of the first. */

import { readFile, rm, writeFile } from 'node:fs/promises'

type Running = { readonly pid: number; readonly port: number }

/**
 * Notes in `file` that this process runs, and gives what removes the note again. Throws, naming process and port, while
 * another process that runs is noted there. A note whose process is gone is replaced.
 */
export async function claim(file: string, port: number): Promise<() => Promise<void>> {
  const own: Running = { pid: process.pid, port }
  const other = await firstToNote(file, own)
  if (other) {
    throw new Error(
      `npm start runs in this folder already: process ${other.pid}, port ${other.port}. End it first with "kill ${other.pid}". If that is another program, remove ${file}`,
    )
  }
  return () => rm(file, { force: true })
}

/** Gives the run that was noted before and still goes on; undefined where the note is ours now. */
async function firstToNote(file: string, own: Running): Promise<Running | undefined> {
  const note = () => writeFile(file, JSON.stringify(own), { flag: 'wx' })
  const isNoted = await note().then(
    () => true,
    () => false,
  )
  if (isNoted) return undefined
  const other = await readFile(file, 'utf8').then(parse, () => undefined)
  if (other && isAlive(other.pid)) return other
  await rm(file, { force: true })
  await note()
  return undefined
}

/** A note that was cut off by the end of its process says nothing. */
function parse(text: string): Running | undefined {
  try {
    const { pid, port } = JSON.parse(text) as Partial<Running>
    return Number.isInteger(pid) && Number.isInteger(port) ? ({ pid, port } as Running) : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 only asks.
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
