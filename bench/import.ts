import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { startNode } from '../local/processes.ts'

/** How long a fresh Node takes to start and, where a file is given, to load it; in milliseconds. */
export async function startMs(file?: string): Promise<number> {
  const started = performance.now()
  const child = startNode(['--eval', file === undefined ? '' : `require(${JSON.stringify(file)})`])
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`Node ended with ${code} when it loaded ${file ?? 'nothing'}`)
  return performance.now() - started
}
