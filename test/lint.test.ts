import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'

// A rule nobody has seen fail may never have worked: each direction of the imports is planted wrong and right here.

const PROJECT = join(import.meta.dirname, '..')
let copy: string

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'lint-'))
  const { vcs: _, ...rules } = JSON.parse(await readFile(join(PROJECT, 'biome.json'), 'utf8'))
  await writeFile(join(copy, 'biome.json'), JSON.stringify(rules))
})

/** Writes one file into the copy and lints it with the project's own rules. */
async function lint(path: string, source: string): Promise<{ exit: number | null; output: string }> {
  const file = join(copy, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${source}\n`)
  const biome = join(PROJECT, 'node_modules/.bin/biome')
  const run = spawnSync(biome, ['lint', '--error-on-warnings', path], { cwd: copy, encoding: 'utf8' })
  return { exit: run.status, output: run.stdout + run.stderr }
}

const using = (from: string) => `import { thing } from '${from}'\n\nexport const use = () => thing`

test.each([
  ['src/core/planted.ts', '@azure/data-tables'],
  ['src/core/planted.ts', 'node:fs'],
  ['src/core/planted.ts', 'csv-parse'],
  ['src/core/planted.ts', '../services/ledger-table.ts'],
  ['src/core/planted.ts', '../settings.ts'],
  ['src/core/planted.ts', '../../local/build.ts'],
  ['src/services/planted.ts', '../steps/ingest.ts'],
  ['src/services/planted.ts', '../settings.ts'],
  ['src/services/planted.ts', '../app.ts'],
  ['src/services/planted.ts', '@azure/functions'],
  ['src/services/planted.ts', '../../local/build.ts'],
  ['src/steps/planted.ts', '../functions.ts'],
  ['src/steps/planted.ts', '../settings.ts'],
  ['src/steps/planted.ts', '@azure/functions'],
  ['src/steps/planted.ts', '../../cli/main.ts'],
  ['src/planted.ts', '../local/build.ts'],
  ['src/planted.ts', '../cli/main.ts'],
])('%s may not import %s', async (path, from) => {
  const { exit, output } = await lint(path, using(from))
  expect(exit).toBe(1)
  expect(output).toContain('noRestrictedImports')
})

test.each([
  ['src/core/planted.ts', './feeds.ts'],
  ['src/services/planted.ts', '../core/feeds.ts'],
  ['src/services/planted.ts', '@azure/data-tables'],
  ['src/services/planted.ts', 'node:crypto'],
  ['src/steps/planted.ts', '../services/ledger-table.ts'],
  ['src/steps/planted.ts', '../core/feeds.ts'],
  ['src/planted.ts', './steps/ingest.ts'],
  ['local/planted.ts', '../src/core/feeds.ts'],
])('%s may import %s', async (path, from) => {
  expect(await lint(path, using(from))).toMatchObject({ exit: 0 })
})

test.each([
  ["import type { Thing } from '../services/ledger-table.ts'\n\nexport type Use = Thing"],
  ["export { thing } from '../services/ledger-table.ts'"],
  ["import '../services/ledger-table.ts'"],
  ["export const use = () => import('../services/ledger-table.ts')"],
])('core may not reach outside in another way either: %s', async (source) => {
  const { exit, output } = await lint('src/core/planted.ts', source)
  expect(exit).toBe(1)
  expect(output).toContain('core imports only core')
})

/** What each file of a folder imports, as esbuild resolves it: it sees what a rule about texts can miss. */
async function importsOf(entries: string[], project: string): Promise<[string, string][]> {
  const options = { bundle: true, write: false, metafile: true, logLevel: 'silent', packages: 'external' } as const
  const platform = { platform: 'node', format: 'esm', outdir: 'out', absWorkingDir: project } as const
  const { metafile } = await build({ entryPoints: entries, ...options, ...platform })
  return Object.entries(metafile.inputs).flatMap(([file, { imports }]) =>
    imports.map(({ path }): [string, string] => [file, path]),
  )
}

const leavesCore = ([file, path]: [string, string]) => file.startsWith('src/core/') && !path.startsWith('src/core/')

test('as esbuild resolves them, all imports of core stay in core', async () => {
  const imports = await importsOf(['src/core/*.ts'], PROJECT)
  expect(imports.length).toBeGreaterThan(10)
  expect(imports.filter(leavesCore)).toEqual([])
})

test('esbuild sees an import out of core that is planted', async () => {
  for (const folder of ['src/core', 'src/services']) await mkdir(join(copy, folder), { recursive: true })
  await writeFile(join(copy, 'src/services/planted.ts'), 'export const thing = 1\n')
  await writeFile(join(copy, 'src/core/planted.ts'), `${using('../services/planted.ts')}\nexport * from 'node:fs'\n`)
  const found = (await importsOf(['src/core/planted.ts'], copy)).filter(leavesCore)
  expect(found.map(([, path]) => path)).toEqual(['src/services/planted.ts', 'node:fs'])
})
