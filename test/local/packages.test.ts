import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

type Locked = { readonly version?: string; readonly integrity?: string; readonly link?: boolean }
type Lock = { readonly packages: Readonly<Record<string, Locked>> }
type Manifest = Readonly<Record<string, unknown>>

const PROJECT = join(import.meta.dirname, '../..')
const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies', 'overrides']

const readJson = async (file: string) => JSON.parse(await readFile(join(PROJECT, file), 'utf8'))

/** The project, the package of its commands, and the link to that. */
const OURS = ['', 'cli', 'node_modules/partner-insights-sync-cli']

/** The packages that npm would take from a lock file without comparing what it gets. */
function withoutHash({ packages }: Lock): readonly string[] {
  const others = Object.entries(packages).filter(([path]) => !OURS.includes(path))
  return others.flatMap(([path, { integrity }]) => (integrity?.startsWith('sha512-') ? [] : [path]))
}

/** The packages of which a manifest allows more than one version, also below an override. */
function withRange(section: Manifest): readonly string[] {
  return Object.entries(section).flatMap(([name, version]) => {
    if (typeof version === 'object' && version !== null) return withRange(version as Manifest)
    return EXACT.test(String(version)) ? [] : [name]
  })
}

const rangesOf = (manifest: Manifest) => KINDS.flatMap((kind) => withRange((manifest[kind] ?? {}) as Manifest))

test('each package of package-lock.json has a hash', async () => {
  const lock: Lock = await readJson('package-lock.json')
  expect(Object.keys(lock.packages).length).toBeGreaterThan(100)
  expect(withoutHash(lock)).toEqual([])
  for (const other of [{}, { integrity: '' }, { integrity: 'sha1-x' }, { link: true }]) {
    expect(withoutHash({ packages: { ...lock.packages, planted: other } })).toEqual(['planted'])
  }
})

test('npx finds the commands by a link, since the project itself names no program', async () => {
  expect(await readJson('package.json')).not.toHaveProperty('bin')
  const link = join(PROJECT, 'node_modules/.bin/partner-insights-sync')
  expect(await realpath(link)).toBe(join(PROJECT, 'cli/main.ts'))
})

test('package.json allows one version of each package, which is that of the lock file', async () => {
  const manifest: Manifest = await readJson('package.json')
  const { packages }: Lock = await readJson('package-lock.json')
  expect(rangesOf(manifest)).toEqual([])
  for (const range of ['^1.0.0', '~1.0.0', '1.x', '*', 'latest', '>=1.0.0', 'github:a/b']) {
    for (const kind of KINDS) expect(rangesOf({ ...manifest, [kind]: { planted: range } })).toEqual(['planted'])
    expect(rangesOf({ ...manifest, overrides: { azurite: { planted: range } } })).toEqual(['planted'])
  }
  for (const kind of KINDS.filter((each) => each !== 'overrides')) {
    for (const [name, version] of Object.entries((manifest[kind] ?? {}) as Readonly<Record<string, string>>)) {
      expect(packages[`node_modules/${name}`]?.version, name).toBe(version)
    }
  }
})
