import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildOptions, build as esbuild, type Metafile, transform } from 'esbuild'

const PROJECT = resolve(import.meta.dirname, '..')

/** What stands beside the bundle in the deployable folder, as it is. */
const COPIED = ['host.json', 'feeds.json']

const EVERY = { platform: 'node', target: 'node24', minify: true, logLevel: 'silent', sourcesContent: false } as const

/** The Node worker gives `@azure/functions-core` itself. */
const SPLIT = {
  ...EVERY,
  bundle: true,
  // The only format that esbuild splits.
  format: 'esm',
  splitting: true,
  outExtension: { '.js': '.cjs' },
  external: ['@azure/functions-core'],
  // Its `main` calls `require` in a way that esbuild cannot follow: the bundle would look for its parts at run time.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  sourcemap: 'inline',
  metafile: true,
  write: false,
} as const satisfies BuildOptions

/** The files of a bundle: `bytes` is how much of them is code. */
export type Bundle = { readonly metafile: Metafile; readonly bytes: number }

/**
 * Bundles an app into `outfile`, and what it imports dynamically into files beside it that are loaded when they are
 * asked for. All are CommonJS, which Node loads faster than modules and the worker finds through `main`. The same
 * sources give the same bytes; throws esbuild's message when they are wrong.
 */
export async function bundle({ entry, outfile }: { entry: string; outfile: string }): Promise<Bundle> {
  const outdir = dirname(outfile)
  const entryPoints = [{ in: entry, out: basename(outfile, '.cjs') }]
  const { metafile, outputFiles } = await esbuild({ ...SPLIT, entryPoints, outdir, absWorkingDir: dirname(entry) })
  await mkdir(outdir, { recursive: true })
  const sizes = await Promise.all(outputFiles.map(({ path, text }) => writeCommonJs(path, text)))
  return { metafile, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

/** A dynamic import becomes a `require`: for CommonJS, Node's own `import()` would scan the file for its exports. */
async function writeCommonJs(path: string, module: string): Promise<number> {
  const supported = { 'dynamic-import': false }
  const sourcefile = basename(path)
  const options = { ...EVERY, format: 'cjs', sourcemap: 'external', sourcefile, supported } as const
  const { code, map } = await transform(module, options)
  await writeFile(`${path}.map`, map)
  const text = `${code}//# sourceMappingURL=${sourcefile}.map\n`
  await writeFile(path, text)
  return Buffer.byteLength(text)
}

/** Makes the deployable folder `dist/app` of a project anew: bundle, package.json with its `main`, host.json, feeds.json. */
export async function build(project: string = PROJECT): Promise<Bundle> {
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
  const { bytes } = await build()
  console.log(`dist/app is built: functions.cjs and what it loads later, ${Math.round(bytes / 1024)} KiB`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main().catch((error) => {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  })
}
