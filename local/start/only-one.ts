/** One `npm start` at a time in a folder: a second one would write over the settings, the build and the state of the first. */

import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

type Running = { readonly pid: number; readonly port: number; readonly isEnding?: true }

/** A run whose npm was killed looks for that twice a second, and then notes that it ends. */
const NOTICE_MILLISECONDS = 2000

/** Longer than the parts of a run take to end on a busy machine. */
const END_MILLISECONDS = 60_000

const LOOK_EVERY_MILLISECONDS = 50

export type Claim = {
  /** Notes that this process is about to end: the next run waits for that. */
  ending(): Promise<void>
  /** Removes the note. */
  release(): Promise<void>
}

/**
 * Notes in `file` that this process runs. Throws, naming process and port, while another process that runs is noted there,
 * but waits for one that ends. A note whose process is gone is replaced.
 */
export async function claim(file: string, port: number): Promise<Claim> {
  const own: Running = { pid: process.pid, port }
  const other = await firstToNote(file, own)
  if (other) {
    throw new Error(
      `npm start runs in this folder already: process ${other.pid}, port ${other.port}. End it first with "kill ${other.pid}". If that is another program, remove ${file}`,
    )
  }
  return {
    ending: () => replace(file, { ...own, isEnding: true }),
    release: () => rm(file, { force: true }),
  }
}

/** Gives the run that was noted before and goes on; undefined where the note is ours now. */
async function firstToNote(file: string, own: Running): Promise<Running | undefined> {
  const began = Date.now()
  while (!(await isFirst(file, own))) {
    const other = await readFile(file, 'utf8').then(parse, () => undefined)
    if (!other || !isAlive(other.pid)) await rm(file, { force: true })
    else if (Date.now() - began > (other.isEnding ? END_MILLISECONDS : NOTICE_MILLISECONDS)) return other
    else await pause(LOOK_EVERY_MILLISECONDS)
  }
  return undefined
}

/** In one step: another run may read the note at any time. Who removed the folder meanwhile wants no note. */
async function replace(file: string, running: Running): Promise<void> {
  const fresh = `${file}.new`
  await writeFile(fresh, JSON.stringify(running))
    .then(() => rename(fresh, file))
    .catch(() => undefined)
}

async function isFirst(file: string, own: Running): Promise<boolean> {
  try {
    await writeFile(file, JSON.stringify(own), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

/** A note that was cut off by the end of its process says nothing. */
function parse(text: string): Running | undefined {
  try {
    const running = JSON.parse(text) as Partial<Running>
    return Number.isInteger(running.pid) && Number.isInteger(running.port) ? (running as Running) : undefined
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
