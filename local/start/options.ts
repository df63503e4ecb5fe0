/** The command line of `npm start`. */

import { parseArgs } from 'node:util'

export type StartOptions = {
  readonly port: number
  /** Runs until every due window is settled, prints the summary, and ends. */
  readonly exit: boolean
  /** Forgets what an earlier run left under `.local/`. */
  readonly fresh: boolean
  readonly feeds: string | undefined
  /** Feed name → file that the simulator serves for it. */
  readonly reportFiles: ReadonlyMap<string, string>
  /** Prints how it is called, and does nothing. */
  readonly help: boolean
}

export const USAGE = `usage: npm start -- [--exit] [--fresh] [--port n] [--feeds file] [--report-file feed=file]... [--help]
  --exit         run until every due window has landed, has failed or is of a blocked feed; exit 0 only if all landed
  --fresh        remove first everything that landed on this machine: all that an earlier run left under .local/
  --port         where the app listens (default 7071)
  --feeds        a feeds.json other than the project's
  --report-file  the simulator serves this file as it is for the feed, whose columns are then the file's, all text: the
                 whole of it for each window, whatever time its rows are of
  --help         print this`

/** Reads the command line, or says what is wrong with it. */
export function readOptions(args: readonly string[]): StartOptions | { readonly problem: string } {
  const parsed = parse(args)
  if ('problem' in parsed) return parsed
  const { port = '7071', exit = false, fresh = false, help = false, feeds, 'report-file': files = [] } = parsed.values
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    return { problem: `--port ${port} is not a port` }
  const pairs = files.map((pair) => pair.split(/=(.*)/s))
  const broken = pairs.find(([feed, file]) => !feed || !file)
  if (broken) return { problem: `--report-file ${broken.join('')} is not of the form feed=file` }
  const reportFiles = new Map(pairs.map(([feed = '', file = '']) => [feed, file]))
  return { port: Number(port), exit, fresh, feeds, reportFiles, help }
}

/**
 * Says which options npm kept for itself because no `--` stands before them, and what to type; undefined where it kept none.
 * npm passes such an option in the environment, and the value that stood behind it as an argument.
 */
export function keptByNpm(env: NodeJS.ProcessEnv, args: readonly string[]): string | undefined {
  const kept = Object.entries(OPTIONS).flatMap(([name, { type }]) => {
    const value = env[`npm_config_${name.replaceAll('-', '_')}`]
    return value ? [{ name, type, value }] : []
  })
  if (kept.length === 0) return undefined
  const flags = kept.filter(({ type }) => type === 'boolean').map(({ name }) => `--${name}`)
  const texts = kept.filter(({ type }) => type === 'string')
  const passed = args.some((each) => each.startsWith('-')) ? args : []
  const values = texts.flatMap(({ name, value }) => {
    const given = value.split(/\n+/).filter((each) => each !== 'true')
    // Of several options, nobody knows whose the arguments are.
    const own = texts.length === 1 && passed.length === 0 ? [...given, ...args] : given
    return own.length > 0 ? own.map((each) => `--${name} ${each}`) : [`--${name} ${PLACEHOLDERS[name]}`]
  })
  const names = kept.map(({ name }) => `--${name}`).join(', ')
  return `npm kept ${names} for itself: type npm start -- ${[...flags, ...values, ...passed].join(' ')}`
}

const PLACEHOLDERS: Readonly<Record<string, string>> = { port: 'n', feeds: 'file', 'report-file': 'feed=file' }

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const
const OPTIONS = {
  port: TEXT,
  exit: FLAG,
  fresh: FLAG,
  help: { ...FLAG, short: 'h' },
  feeds: TEXT,
  'report-file': { ...TEXT, multiple: true },
} as const

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS })
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}
