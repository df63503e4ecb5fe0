import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildOptions, build as esbuild, type Metafile } from 'esbuild'

const PROJECT = resolve(import.meta.dirname, '..')

/** What stands beside the bundle in the deployable folder, as it is. */
const COPIED = ['host.json', 'feeds.json']

/** One CommonJS file: the Node worker loads it through `main`, and gives `@azure/functions-core` itself. */
const OPTIONS = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node24',
  minify: true,
  external: ['@azure/functions-core'],
  sourcemap: 'linked',
  sourcesContent: false,
  metafile: true,
  logLevel: 'silent',
} as const satisfies BuildOptions

/** Bundles an app into one file. The same sources give the same bytes; throws esbuild's message when they are wrong. */
export async function bundle({ entry, outfile }: { entry: string; outfile: string }): Promise<{ metafile: Metafile }> {
  const { metafile } = await esbuild({ ...OPTIONS, entryPoints: [entry], outfile, absWorkingDir: dirname(entry) })
  return { metafile }
}

/** Makes the deployable folder `dist/app` of a project anew: bundle, package.json with its `main`, host.json, feeds.json. */
export async function build(project: string = PROJECT): Promise<{ metafile: Metafile }> {
  const folder = join(project, 'dist/app')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const built = await bundle({ entry: join(project, 'src/functions.ts'), outfile: join(folder, 'functions.cjs') })
  for (const file of COPIED) await cp(join(project, file), join(folder, file))
  await writeFile(join(folder, 'package.json'), await deployedPackage(project))
  return built
}

/** The bundle holds every dependency: a deployed package.json that named them would have them installed again. */
async function deployedPackage(project: string): Promise<string> {
  const { name, version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Record<string, string>
  return `${JSON.stringify({ name, version, private: true, main: 'functions.cjs' }, undefined, 2)}\n`
}

async function main(): Promise<void> {
  await build()
  const { size } = await stat(join(PROJECT, 'dist/app/functions.cjs'))
  console.log(`dist/app is built: functions.cjs, ${Math.round(size / 1024)} KiB`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main().catch((error) => {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  })
}
