/** `npm run build`: bundles the app into the folder that is deployed. */

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildOptions, build as esbuild, type Metafile, transform } from 'esbuild'

const PROJECT = resolve(import.meta.dirname, '..')

/** Copied as they are into the deployable folder. */
const COPIED = ['host.json', 'feeds.json']

const EVERY = { platform: 'node', target: 'node24', minify: true, logLevel: 'silent', sourcesContent: false } as const

/**
 * The Node worker provides `@azure/functions-core` itself. `debug` does without `supports-color`, which only a tool brings:
 * what is bundled must not depend on which tools are installed.
 */
const SPLIT = {
  ...EVERY,
  bundle: true,
  // esbuild splits no other format.
  format: 'esm',
  splitting: true,
  outExtension: { '.js': '.cjs' },
  external: ['@azure/functions-core', 'supports-color'],
  // Its `main` calls `require` in a way that esbuild cannot follow: the bundle would look for its parts at run time.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  sourcemap: 'inline',
  metafile: true,
  write: false,
} as const satisfies BuildOptions

/** What esbuild says of a bundle, and the size of its code. */
export type Bundle = { readonly metafile: Metafile; readonly bytes: number }

/** `maps`: where source maps go, to read a stack trace by. They hold the sources, so they are not beside the code. */
export type BundleOptions = { readonly entry: string; readonly outfile: string; readonly maps?: string }

/**
 * Bundles an app into `outfile`. What it imports dynamically goes into files beside it, which are loaded only when they are
 * needed. All are CommonJS: Node loads it faster than modules, and the worker finds it through `main`. The same sources
 * give the same bytes. Throws esbuild's message when the sources are wrong.
 */
export async function bundle({ entry, outfile, maps }: BundleOptions): Promise<Bundle> {
  const outdir = dirname(outfile)
  const entryPoints = [{ in: entry, out: basename(outfile, '.cjs') }]
  const { metafile, outputFiles } = await esbuild({ ...SPLIT, entryPoints, outdir, absWorkingDir: dirname(entry) })
  for (const folder of [outdir, maps]) if (folder) await mkdir(folder, { recursive: true })
  const sizes = await Promise.all(outputFiles.map(({ path, text }) => writeCommonJs(path, text, maps)))
  return { metafile, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

/** Turns a module into CommonJS. A dynamic import becomes a `require`: `import()` of CommonJS would scan the file for exports. */
async function writeCommonJs(path: string, module: string, maps: string | undefined): Promise<number> {
  const supported = { 'dynamic-import': false }
  const sourcefile = basename(path)
  const options = { ...EVERY, format: 'cjs', sourcemap: 'external', sourcefile, supported } as const
  const { code, map } = await transform(module, options)
  if (maps) await writeFile(join(maps, `${sourcefile}.map`), map)
  await writeFile(path, code)
  return Buffer.byteLength(code)
}

/** Makes the deployable folder `dist/app` of a project: bundle, package.json with its `main`, host.json and feeds.json. */
export async function build(project: string = PROJECT): Promise<Bundle> {
  const folder = join(project, 'dist/app')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const maps = join(project, 'dist/maps')
  await rm(maps, { recursive: true, force: true })
  const built = await bundle({ entry: join(project, 'src/functions.ts'), outfile: join(folder, 'functions.cjs'), maps })
  await writeFile(join(folder, 'dashboard.html'), await buildPage())
  for (const file of COPIED) await cp(join(project, file), join(folder, file))
  await writeFile(join(folder, 'package.json'), await deployedPackage(project))
  return built
}

const PAGE = join(PROJECT, 'src/page')

/** Makes the dashboard: one page with its style and its script inside, which asks no other host for anything. */
export async function buildPage(): Promise<string> {
  const inBrowser = { minify: true, target: 'es2023', charset: 'utf8', logLevel: 'silent', write: false } as const
  const entryPoints = ['main.ts', 'dashboard.css']
  const options = { ...inBrowser, entryPoints, bundle: true, format: 'iife', outdir: '.', absWorkingDir: PAGE } as const
  const { outputFiles } = await esbuild(options)
  const text = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text.trim() ?? ''
  const html = await readFile(join(PAGE, 'dashboard.html'), 'utf8')
  // Functions, because `$` means something in a text that replaces.
  return html
    .replace('<style></style>', () => `<style>${text('.css')}</style>`)
    .replace('<script></script>', () => `<script>${text('.js')}</script>`)
}

/** Names no dependencies: the bundle holds them all, and a deployment would install them again. */
async function deployedPackage(project: string): Promise<string> {
  const { name, version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Record<string, string>
  return `${JSON.stringify({ name, version, private: true, main: 'functions.cjs' }, undefined, 2)}\n`
}

async function main(): Promise<void> {
  const { bytes } = await build()
  console.log(`dist/app is built: functions.cjs and the files it loads later, ${Math.round(bytes / 1024)} KiB`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main().catch((error) => {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  })
}
