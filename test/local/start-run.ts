import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const PROJECT = join(import.meta.dirname, '../..')

/** What a clone holds and `npm start` needs. */
const COPIED = ['src', 'local', 'package.json', 'host.json', 'feeds.json']

/** Makes a project of its own, as a clone would be: its state under `.local` is nobody else's. */
export async function makeProject(feeds: object): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'start-'))
  for (const name of COPIED) await cp(join(PROJECT, name), join(root, name), { recursive: true })
  await symlink(join(PROJECT, 'node_modules'), join(root, 'node_modules'))
  await writeFile(join(root, 'feeds.json'), JSON.stringify(feeds))
  return root
}

export type StartRun = {
  readonly child: ChildProcess
  readonly lines: readonly string[]
  /** Gives the exit code once the process and its output have ended. */
  readonly ended: Promise<number | null>
}

/** What `npm start -- …` runs, in a project's folder. */
export function runStart(root: string, args: readonly string[]): StartRun {
  return run(process.execPath, ['local/start.ts', ...args], root)
}

/** npm itself. */
export function runNpm(root: string, args: readonly string[]): StartRun {
  return run('npm', args, root)
}

function run(program: string, args: readonly string[], root: string): StartRun {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => lines.push(line))
  return { child, lines, ended: once(child, 'close').then(() => child.exitCode) }
}

/** The command lines of every process on this machine that names the folder. */
export async function processesOf(root: string): Promise<readonly string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
  return commands.map((command) => command.replaceAll('\0', ' ')).filter((command) => command.includes(root))
}
