import { cp, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { storageConnectionString } from '../../local/azurite.ts'
import { build, bundle } from '../../local/build.ts'
import { parseNcrontab } from '../../src/core/time/ncrontab.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { projectCopy } from '../setup/deployable-app.ts'
import { FIXTURE_APP } from '../setup/fixture-host.ts'

const PROJECT = join(import.meta.dirname, '../..')

/** It stands in what a developer has beside the sources. */
const PLANTED = 'a secret of a developer'

/** A project with an app of one line, in a folder of its own. */
async function smallProject(source = "console.log('hello')"): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'build-'))
  await mkdir(join(project, 'src'))
  await writeFile(join(project, 'src/functions.ts'), source)
  for (const file of ['package.json', 'host.json']) await cp(join(PROJECT, file), join(project, file))
  await writeFile(join(project, 'feeds.json'), '{ "feeds": [] }')
  return project
}

test('what is published is the bundle of this app, the dashboard, feeds.json, host.json, one small package.json and no source map', async () => {
  const folder = await projectCopy()
  // What a developer has beside the sources, and what a build of another tool may have left.
  for (const file of ['local.settings.json', '.env', 'functions.test.ts']) await writeFile(join(folder, file), PLANTED)
  await mkdir(join(folder, 'dist/app/test'), { recursive: true })
  await writeFile(join(folder, 'dist/app/test/left.test.cjs'), '')
  const { metafile } = await build(folder)
  const app = join(folder, 'dist/app')
  const files = await readdir(app, { recursive: true })
  const bundled = Object.keys(metafile.outputs).map((path) => basename(path))
  const others = ['dashboard.html', 'feeds.json', 'host.json', 'package.json']
  expect(files.toSorted()).toEqual([...bundled, ...others].toSorted())
  expect(bundled.filter((file) => !/^[\w-]+\.cjs$/.test(file))).toEqual([])
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs))
  const sources = inputs.filter((path) => !path.includes('node_modules/')).map((path) => resolve(PROJECT, 'src', path))
  const own = [join(PROJECT, 'src/'), join(PROJECT, 'package.json')]
  expect(sources.length).toBeGreaterThan(100)
  expect(sources.filter((path) => !own.some((start) => path.startsWith(start)) || path.includes('.test.'))).toEqual([])
  for (const file of files) {
    const text = await readFile(join(app, file), 'utf8')
    expect(text, file).not.toMatch(/sourceMappingURL|sourcesContent|"mappings"/)
    expect({ file, ofThisMachine: text.includes(PROJECT), ofTheDeveloper: text.includes(PLANTED) }).toEqual({
      file,
      ofThisMachine: false,
      ofTheDeveloper: false,
    })
  }
  const { name, version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'))
  const deployed = JSON.parse(await readFile(join(app, 'package.json'), 'utf8'))
  expect(deployed).toEqual({ name, version, private: true, main: 'functions.cjs' })
  expect(await readFile(join(app, 'host.json'))).toEqual(await readFile(join(PROJECT, 'host.json')))
  expect((await readdir(join(folder, 'dist/maps'))).toSorted()).toEqual(bundled.map((file) => `${file}.map`).toSorted())
  expect((await readdir(join(folder, 'dist'))).toSorted()).toEqual(['app', 'maps'])
})

test('package.json of the project names the bundle that the build makes', async () => {
  const { main } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'))
  expect(main).toBe('dist/app/functions.cjs')
})

test('what an earlier build left is gone', async () => {
  const project = await smallProject()
  await mkdir(join(project, 'dist/app'), { recursive: true })
  await writeFile(join(project, 'dist/app/old.cjs'), '')
  await build(project)
  expect(await readdir(join(project, 'dist/app'))).not.toContain('old.cjs')
})

test('the same sources give the same bytes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'build-'))
  const make = async (name: string) => {
    const maps = join(folder, name, 'maps')
    await bundle({ entry: FIXTURE_APP, outfile: join(folder, name, 'functions.cjs'), maps })
    return [await readFile(join(folder, name, 'functions.cjs')), await readFile(join(maps, 'functions.cjs.map'))]
  }
  expect(await make('a')).toEqual(await make('b'))
})

test('the bundle leaves the module that the worker gives to the worker, and takes everything else in', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'build-'))
  const { metafile } = await bundle({ entry: FIXTURE_APP, outfile: join(folder, 'functions.cjs') })
  const external = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  const { dependencies } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'))
  expect(external).toContain('@azure/functions-core')
  expect(external.filter((path) => path in dependencies)).toEqual([])
})

test('what is imported dynamically is loaded when it is asked for, and shares the modules of the rest', async () => {
  const project = await smallProject(
    "import { told } from './told.ts'; export const later = async () => [told(), (await import('./later.ts')).later()]",
  )
  await writeFile(join(project, 'src/told.ts'), 'let times = 0; export const told = () => ++times')
  await writeFile(join(project, 'src/later.ts'), "import { told } from './told.ts'; export const later = () => told()")
  await build(project)
  const require = createRequire(join(project, 'dist/app/'))
  const { later } = require('./functions.cjs')
  const loaded = () => Object.keys(require.cache).filter((path) => path.startsWith(project))
  const before = loaded()
  expect(await later()).toEqual([1, 2])
  expect(loaded().length).toBe(before.length + 1)
})

test('the host waits for the triggers alone: the libraries of Azure are loaded with the first invocation', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'build-'))
  const outfile = join(folder, 'functions.cjs')
  const { metafile } = await bundle({ entry: join(PROJECT, 'src/functions.ts'), outfile })
  const ofEntry = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint?.endsWith('functions.ts'))
  const files = [ofEntry, ...(ofEntry?.imports ?? []).filter(isLoadedAtOnce).map(({ path }) => metafile.outputs[path])]
  const inputs = files.flatMap((file) => Object.keys(file?.inputs ?? {}))
  expect(inputs.filter((path) => /@azure\/(?!functions)/.test(path))).toEqual([])
  expect(inputs.filter((path) => path.includes('@azure/functions/')).length).toBeGreaterThan(0)
})

const isLoadedAtOnce = ({ kind }: { readonly kind: string }) => kind === 'import-statement'

test('sources that are wrong are refused with their place', async () => {
  const project = await smallProject("import './missing.ts'")
  await expect(build(project)).rejects.toThrow('functions.ts:1:7: ERROR: Could not resolve "./missing.ts"')
})

test('the sample of local settings is complete, and fits what runs here', async () => {
  const sample = JSON.parse(await readFile(join(PROJECT, 'local.settings.sample.json'), 'utf8'))
  expect(readSettings(sample.Values)).not.toHaveProperty('problems')
  expect(sample.IsEncrypted).toBe(false)
  expect(sample.Values.DataStorage).toBe(storageConnectionString({ blob: 10000, queue: 10001, table: 10002 }))
  expect(parseNcrontab(sample.Values.PROVISION_SCHEDULE)).toBeDefined()
})
