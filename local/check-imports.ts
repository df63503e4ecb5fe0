/** `npm run lint` runs this after Biome: which file may import which. */

import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The folders and files of what is deployed, from the bottom up. A file imports only from its own layer and from lower ones. */
const LAYERS = [
  'src/core/',
  'src/core/time/',
  'src/core/query/',
  'src/core/feeds/',
  'src/core/report/',
  'src/core/ledger/',
  'src/core/plan/',
  'src/core/status/',
  'src/core/doctor.ts',
  'src/page/',
  'src/services/',
  'src/settings/',
  'src/steps/',
  'src/app/',
  'src/handlers.ts',
  'src/functions.ts',
]

/** The packages that a layer may import. Layers that are not named here may import any. */
const PACKAGES: readonly { readonly layer: string; readonly allowed: RegExp }[] = [
  // Pure as core is: it finds the place of a mistake in a text.
  { layer: 'src/core/feeds/', allowed: /^jsonc-parser$/ },
  { layer: 'src/core/', allowed: /^$/ },
  { layer: 'src/page/', allowed: /^$/ },
  { layer: 'src/services/', allowed: /^(node:|@azure\/(?!functions)|hyparquet(-writer)?$)/ },
  { layer: 'src/settings/', allowed: /^$/ },
  { layer: 'src/steps/', allowed: /^node:/ },
  { layer: 'src/app/', allowed: /^(node:|@azure\/(?!functions))/ },
]

/** The simulator shares no code with the app but the catalogue, so that the two cannot be wrong in the same way. */
const SIMULATOR = ['local/simulator/', 'local/certificate.ts']
const KNOWN_TO_SIMULATOR = [...SIMULATOR, 'src/core/catalog.ts']

/** An import in any form: of values or types, for its side effects, re-exported, dynamic, or of a type in place. */
const IMPORT =
  /(?:^[ \t]*(?:import|export)\b[^;'"`=()]*?\bfrom\s*|^[ \t]*import\s*|\bimport\(\s*)(?:'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`)/gm

/** A comment, or a text: what looks like a comment inside a text is none. */
const COMMENT_OR_TEXT = /\/\/.*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g

/**
 * Gives everything that is wrong with the imports of a project, one line each: imports against the order of the layers, of
 * a package that the layer may not know, and circles. `files` maps each path, relative to the project, to its text.
 */
export function importFaults(files: ReadonlyMap<string, string>): readonly string[] {
  const imports = new Map([...files].map(([file, text]) => [file, importsOf(file, text)]))
  const wrong = [...imports].flatMap(([file, targets]) =>
    targets.flatMap((target) => {
      const reason = refusal(file, target)
      return reason === undefined ? [] : [`${file} imports ${target}: ${reason}`]
    }),
  )
  return [...wrong, ...circles(imports)]
}

/** What a file imports: paths relative to the project, and names of packages. */
function importsOf(file: string, text: string): readonly string[] {
  // A comment among the imported names may hold anything, also a quote.
  const code = text.replace(COMMENT_OR_TEXT, (found) => (found.startsWith('/') ? ' ' : found))
  const targets = Array.from(
    code.matchAll(IMPORT),
    ([, single, double, template]) => single ?? double ?? template ?? '',
  )
  return targets.map((target) => (target.startsWith('.') ? posix.join(posix.dirname(file), target) : target))
}

function refusal(file: string, target: string): string | undefined {
  const isPackage = !/^(src|cli|local|bench|infra|test)\//.test(target)
  if (SIMULATOR.some((each) => file.startsWith(each)) && !isPackage) {
    const isKnown = KNOWN_TO_SIMULATOR.some((known) => target.startsWith(known))
    return isKnown ? undefined : `the simulator knows nothing but ${KNOWN_TO_SIMULATOR.join(', ')}`
  }
  if (!file.startsWith('src/')) return undefined
  if (isPackage) {
    const rule = PACKAGES.find(({ layer }) => file.startsWith(layer))
    return !rule || rule.allowed.test(target) ? undefined : `${rule.layer} may not know this package`
  }
  if (!target.startsWith('src/')) return 'what is deployed imports nothing that is not'
  return layerOf(target) > layerOf(file) ? 'imports go from upper layers to lower ones' : undefined
}

/** The layer with the longest name that a path begins with. What belongs to none stands above all. */
function layerOf(path: string): number {
  const [layer] = LAYERS.filter((each) => path.startsWith(each)).toSorted((a, b) => b.length - a.length)
  return layer === undefined ? LAYERS.length : LAYERS.indexOf(layer)
}

/** Follows the imports of every file. A file that comes up again on the way closes a circle. */
function circles(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found: string[] = []
  const done = new Set<string>()
  const follow = (file: string, way: readonly string[]): void => {
    const start = way.indexOf(file)
    if (start !== -1) found.push(`a circle of imports: ${[...way.slice(start), file].join(' → ')}`)
    if (start !== -1 || done.has(file)) return
    for (const target of imports.get(file) ?? []) follow(target, [...way, file])
    done.add(file)
  }
  for (const file of imports.keys()) follow(file, [])
  return found
}

/** Reads every source file of a project, for `importFaults`. */
export async function readSources(project: string): Promise<ReadonlyMap<string, string>> {
  const paths = globSync('{src,cli,local,bench,infra,test}/**/*.ts', { cwd: project })
  const read = async (path: string) =>
    [path.replaceAll('\\', '/'), await readFile(join(project, path), 'utf8')] as const
  return new Map(await Promise.all(paths.map(read)))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const faults = importFaults(await readSources(join(import.meta.dirname, '..')))
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
}
