import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { type Bundle, bundle } from '../local/build.ts'
import { startNode } from '../local/processes.ts'
import type { Figures } from './figures.ts'
import { median } from './measure.ts'

const ENTRY = resolve(import.meta.dirname, '../src/functions.ts')
const TIMES = 7
const MIB = 1024 * 1024

/** Measures the size of the bundle and how long the host waits for it. Bare Node and Node with the bundle run in turn. */
export async function bundleFigures(folder: string): Promise<Pick<Figures, 'import_ms' | 'bundle_mb'>> {
  const outfile = join(folder, 'functions.cjs')
  const bundled = await bundle({ entry: ENTRY, outfile })
  const files = { none: [], triggers: [outfile], handlers: [outfile, handlersOf(bundled, folder)] }
  const times: Record<keyof typeof files, number[]> = { none: [], triggers: [], handlers: [] }
  for (let time = 0; time < TIMES; time++) {
    times.none.push(await startMs(files.none))
    times.triggers.push(await startMs(files.triggers))
    times.handlers.push(await startMs(files.handlers))
  }
  const more = (name: keyof typeof files) => median(times[name]) - median(times.none)
  console.error(`not counted: ${Math.round(more('handlers'))} ms until the first callback has loaded all its code`)
  return { import_ms: more('triggers'), bundle_mb: bundled.bytes / MIB }
}

function handlersOf({ metafile }: Bundle, folder: string): string {
  const found = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint?.endsWith('handlers.ts'))
  if (!found)
    throw new Error('the bundle has no file for handlers.ts, so the load time of the first invocation is unknown')
  return resolve(folder, found[0].split('/').at(-1) ?? '')
}

/** How long a fresh Node process takes to start and load some files, in milliseconds. */
async function startMs(files: readonly string[]): Promise<number> {
  const started = performance.now()
  const child = startNode(['--eval', files.map((file) => `require(${JSON.stringify(file)})`).join(';')])
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`Node ended with ${code} when it loaded ${files.join(', ') || 'nothing'}`)
  return performance.now() - started
}
