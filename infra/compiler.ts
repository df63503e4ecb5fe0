import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** The compiler that the snapshots are made with. */
export const NEWEST = '0.49.2'

/** The oldest one that the registry has. What `azd` brings itself is older, and cannot be had as a package. */
export const OLDEST = '0.47.16'

/** The compilers, as `dotnet restore infra/compiler.csproj` brings them. */
const PACKAGE = 'azure.bicep.commandline.linux-x64'

/** The snapshots are of no real subscription. */
const SNAPSHOT_OF = [
  ...['--subscription-id', '00000000-0000-0000-0000-000000000001'],
  ...['--tenant-id', '00000000-0000-0000-0000-000000000002'],
  ...['--location', 'westeurope'],
]

const run = promisify(execFile)

/**
 * Gives the path of the compiler of one version: in the folder of NuGet packages, else on the PATH. Undefined where none of
 * them is of that version.
 */
export async function findCompiler(
  version: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const packages = env.NUGET_PACKAGES ?? join(homedir(), '.nuget/packages')
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const paths = [join(packages, PACKAGE, version, 'tools/bicep'), ...folders.map((each) => join(each, 'bicep'))]
  for (const path of paths) {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() && (await versionOf(path)) === version) return path
  }
  return undefined
}

async function versionOf(compiler: string): Promise<string | undefined> {
  const { stdout } = await runCompiler(compiler, ['--version'], '.').catch(() => ({ stdout: '' }))
  return /version (\S+)/.exec(stdout)?.[1]
}

/** Libraries for languages need not be installed: the compiler's messages are English. */
function runCompiler(compiler: string, args: readonly string[], project: string) {
  const env = { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: '1' }
  return run(compiler, args, { cwd: project, env, maxBuffer: 64 * 1024 * 1024 })
}

type Sarif = {
  readonly runs: readonly { readonly results: readonly SarifResult[] }[]
}

type SarifResult = {
  readonly ruleId: string
  readonly message: { readonly text: string }
  readonly locations: readonly {
    readonly physicalLocation: {
      readonly artifactLocation: { readonly uri: string }
      readonly region: { readonly startLine: number }
    }
  }[]
}

/**
 * Gives everything that the compiler says of the templates in a project's `infra`, one line each. The exit code proves
 * nothing: a misspelt property or an unknown version of a type is only a warning.
 */
export async function lint(compiler: string, project: string): Promise<readonly string[]> {
  const args = ['lint', '--no-restore', '--diagnostics-format', 'sarif', '--pattern', 'infra/**/*.bicep']
  // It exits with 1 where it found an error, and the report is there all the same.
  const { stdout } = await runCompiler(compiler, args, project).catch((error) => error as { stdout: string })
  // One report for each file, with nothing between them.
  const reports = stdout.split(/(?<=^\})(?=\{)/m).filter((each) => each.trim() !== '')
  if (reports.length === 0) throw new Error('the compiler found no template to lint')
  const runs = reports.flatMap((each) => (JSON.parse(each) as Sarif).runs)
  // A module is read by itself and with what uses it.
  return [...new Set(runs.flatMap(({ results }) => results.map(lineOf)))]
}

function lineOf({ ruleId, message, locations }: SarifResult): string {
  const { artifactLocation, region } = locations[0]?.physicalLocation ?? {}
  const file = artifactLocation?.uri.replace(/^.*\/infra\//, 'infra/')
  return `${file}:${region?.startLine} ${ruleId}: ${message.text}`
}

/**
 * Compares what the templates would make with the snapshots beside the parameter files. Gives the differences, one text
 * for each file that has some. With `overwrite` it writes the snapshots anew and gives nothing.
 */
export async function snapshots(
  compiler: string,
  project: string,
  mode: 'validate' | 'overwrite',
): Promise<readonly string[]> {
  const files = globSync('infra/test/*.bicepparam', { cwd: project }).toSorted()
  if (files.length === 0) throw new Error('infra/test holds no parameter files')
  const differences: string[] = []
  for (const file of files) {
    const difference = await runCompiler(compiler, ['snapshot', file, '--mode', mode, ...SNAPSHOT_OF], project).then(
      () => undefined,
      ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout || stderr,
    )
    if (difference !== undefined) differences.push(`${file}:\n${difference}`)
    else if (mode === 'overwrite') await sortOutputs(join(project, file.replace(/bicepparam$/, 'snapshot.json')))
  }
  return differences
}

/** The compiler writes outputs in an order of chance: what differs would not be seen among them. */
async function sortOutputs(file: string): Promise<void> {
  const snapshot = JSON.parse(await readFile(file, 'utf8')) as { outputs: Readonly<Record<string, unknown>> }
  const outputs = Object.fromEntries(Object.entries(snapshot.outputs).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  await writeFile(file, JSON.stringify({ ...snapshot, outputs }, undefined, 2))
}

/** The hash of all templates and parameter files: it stands beside the snapshots, so that a stale one shows without a compiler. */
export async function hashOfSources(project: string): Promise<string> {
  const files = globSync(['infra/**/*.bicep', 'infra/**/*.bicepparam'], { cwd: project }).toSorted()
  const hash = createHash('sha256')
  for (const file of files) {
    const text = await readFile(join(project, file), 'utf8')
    hash.update(`${file.replaceAll('\\', '/')}\n${text.replaceAll('\r\n', '\n')}\n`)
  }
  return hash.digest('hex')
}
