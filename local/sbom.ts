/** `npm run sbom`: the packages that the app is built from, as CycloneDX. */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const PROJECT = resolve(import.meta.dirname, '..')

type Lock = { readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>> }

/**
 * Asks npm for the list of a project that has nothing but the dependencies of the app. `--omit dev` in this project would
 * also leave out what the app shares with the tools, which is most of it. Nothing is fetched.
 */
async function sbom(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'sbom-'))
  try {
    const project = await readJson('package.json')
    // npm takes the name of the folder for that of the app.
    const folder = join(parent, String(project.name))
    await mkdir(folder)
    const lock = (await readJson('package-lock.json')) as Lock
    await writeFile(join(folder, 'package.json'), JSON.stringify(withoutTools(project)))
    await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lockOfApp(lock)))
    const form = ['--sbom-format', 'cyclonedx', '--sbom-type', 'application']
    const args = ['sbom', ...form, '--package-lock-only', '--offline']
    const { stdout } = await promisify(execFile)('npm', args, { cwd: folder, shell: process.platform === 'win32' })
    return stdout
  } finally {
    await rm(parent, { recursive: true })
  }
}

async function readJson(file: string): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await readFile(join(PROJECT, file), 'utf8'))
}

/** Tools are development dependencies, and the commands in a package of their own. Node, which is optional here, is the platform's in Azure. */
const OF_TOOLS = ['devDependencies', 'optionalDependencies', 'workspaces', 'overrides', 'scripts']

function withoutTools(project: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(project).filter(([field]) => !OF_TOOLS.includes(field)))
}

function lockOfApp(lock: Lock): object {
  const ofApp = Object.entries(lock.packages).filter(([path, entry]) => path === '' || isOfApp(entry))
  return { ...lock, packages: Object.fromEntries(ofApp.map(([path, entry]) => [path, withoutTools(entry)])) }
}

/** The package of the commands, and the link to it, come from no registry: they have no hash. */
function isOfApp({ integrity, dev, optional }: Readonly<Record<string, unknown>>): boolean {
  return integrity !== undefined && !dev && !optional
}

process.stdout.write(await sbom())
