/**
 * `npm run infra`: checks the templates with the Bicep compilers that are on this machine. With `-- --required`, one that is
 * missing is a fault. `-- --write` writes the snapshots anew.
 */

import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findCompiler, hashOfSources, lint, NEWEST, OLDEST, snapshots } from './compiler.ts'

const PROJECT = resolve(import.meta.dirname, '..')

const options = { required: { type: 'boolean' }, write: { type: 'boolean' } } as const
const { values } = parseArgs({ options })

const faults: string[] = []
for (const version of [NEWEST, OLDEST]) {
  const compiler = await findCompiler(version, process.env)
  if (!compiler) {
    const leftOut = `Bicep ${version} is not on this machine, so its checks are left out (dotnet restore infra/compiler.csproj brings it)`
    if (values.required || values.write) faults.push(leftOut)
    else console.log(leftOut)
    continue
  }
  faults.push(...(await lint(compiler, PROJECT)))
  // The oldest one writes other snapshots.
  if (version === NEWEST) faults.push(...(await snapshots(compiler, PROJECT, values.write ? 'overwrite' : 'validate')))
  console.log(`Bicep ${version} has read infra`)
}
if (values.write && faults.length === 0) {
  const sources = { compiler: NEWEST, sha256: await hashOfSources(PROJECT) }
  await writeFile(join(PROJECT, 'infra/test/sources.json'), `${JSON.stringify(sources, undefined, 2)}\n`)
}
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1
