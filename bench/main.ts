import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAzurite } from '../local/azurite.ts'
import { bundle } from '../local/build.ts'
import { nextMessage, startNode, stopProcess } from '../local/processes.ts'
import { dashboardFigures } from './dashboard.ts'
import { type Figures, LEAST, LIMITS, missed, QUIET, rounded, SEEN } from './figures.ts'
import { FORGED, forgedFigures } from './forged.ts'
import { idleFigures } from './idle.ts'
import { bundleFigures } from './import.ts'
import type { Bench, Report } from './measure.ts'
import { planFigures } from './plan.ts'
import { writeReport } from './report.ts'
import { statusFigures } from './status.ts'
import { compare, footprint, requireHonesty, restatedOps, type Trial } from './trials.ts'

/** How often two sides run in turn. The writers differ by little, so they run more often. */
const TIMES = 3
const WRITER_TIMES = 7

/**
 * The flags that the deployed app should pass to Node (`languageWorkers__node__arguments`). Without them, V8 sizes the young
 * generation by the memory of the machine, and figures from different machines cannot be compared. Every side runs with them.
 */
const DEPLOYED_FLAGS = ['--max-semi-space-size=16']

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'insights-bench-'))
  const sink = startNode([join(import.meta.dirname, 'sink.ts')], { output: 'inherit' })
  const azurite = await startAzurite({ location: join(folder, 'azurite') })
  try {
    const origin = await nextMessage<string>(sink, 'the sink of the bench')
    const figures = rounded(await bench(folder, origin, azurite.connectionString))
    if (process.argv.includes('--json')) console.log(JSON.stringify(figures))
    else for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(26)}${value}${limit(name)}`)
    const faults = missed(figures)
    for (const fault of faults) console.error(`bench: ${fault}`)
    if (faults.length > 0) process.exitCode = 1
  } finally {
    await stopProcess(sink)
    await azurite.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function bench(folder: string, origin: string, storage: string): Promise<Figures> {
  const program = await bundled(folder, 'run-process')
  const instance = await bundled(folder, 'idle-process')
  const warmUp = await report(folder, 10_000)
  const small = await report(folder, 100_000)
  const setup: Bench = { program, flags: DEPLOYED_FLAGS, origin, storage, warmUp }
  await requireHonesty(setup, warmUp)
  const { app, libraries } = await compare(setup, ['app', 'libraries'], small, TIMES)
  const { writer, raw } = await compare(setup, ['writer', 'raw'], warmUp, WRITER_TIMES)
  const files = await compare(setup, ['published', 'app'], small, TIMES)
  tell({ app, libraries, published: files.published, writer, raw })
  const fewRows = await footprint(setup, 'app', small, TIMES)
  const large = await report(folder, 2_000_000)
  const manyRows = await footprint(setup, 'app', large, 1)
  const manyRowsInFile = await footprint(setup, 'published', large, 1)
  return {
    cpu_vs_sdk: app.usPerRow / libraries.usPerRow,
    cpu_write_vs_raw: writer.usPerRow / raw.usPerRow,
    cpu_us_per_row: app.usPerRow,
    parquet_us_per_row: files.published.usPerRow - files.app.usPerRow,
    rss_mb_100k: fewRows.rssMb,
    rss_mb_2m: manyRows.rssMb,
    rss_mb_2m_parquet: manyRowsInFile.rssMb,
    billed_ops_per_1000_rows: fewRows.billedOps,
    billed_ops_restated: await restatedOps(setup, small),
    ...(await idleFigures(instance, QUIET, DEPLOYED_FLAGS)),
    ...planFigures(),
    ...(await statusFigures(SEEN)),
    ...(await dashboardFigures()),
    ...(await forgedFigures(folder, FORGED, DEPLOYED_FLAGS)),
    ...(await bundleFigures(folder)),
  }
}

/** Bundles a program of the bench as the app is bundled. */
async function bundled(folder: string, name: string): Promise<string> {
  const outfile = join(folder, `${name}.cjs`)
  await bundle({ entry: join(import.meta.dirname, `${name}.ts`), outfile })
  return outfile
}

async function report(folder: string, rows: number): Promise<Report> {
  const path = join(folder, `${rows}.csv.gz`)
  await writeReport(path, rows)
  return { path, rows }
}

/** Prints what the ratios are made of to standard error, so that standard output stays valid JSON. */
function tell(trials: Readonly<Record<string, Trial>>): void {
  for (const [side, { usPerRow, startMs: start, warmUpMs }] of Object.entries(trials)) {
    const apart = `not counted: start-up ${Math.round(start)} ms, warm-up ${Math.round(warmUpMs)} ms`
    console.error(`${side.padEnd(10)}${usPerRow.toFixed(2).padStart(7)} µs of processor time per row (${apart})`)
  }
}

function limit(name: string): string {
  const of = (limits: Partial<Figures>) => Object.entries(limits).find(([limited]) => limited === name)?.[1]
  const [most, least] = [of(LIMITS), of(LEAST)]
  if (least !== undefined) return ` (at least ${least})`
  return most === undefined ? '' : ` (at most ${most})`
}

await main().catch((error) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
