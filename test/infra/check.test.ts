import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { NEWEST, OLDEST } from '../../infra/compiler.ts'
import { ALL_NAMES } from './snapshot.ts'

/** What a compiler says of the templates, and whether it finds the snapshots as they are. */
type Compiler = { readonly results?: readonly object[]; readonly snapshotExit?: number }

const WARNING = {
  ruleId: 'BCP037',
  message: { text: 'The property "x" is not allowed.' },
  locations: [
    { physicalLocation: { artifactLocation: { uri: 'file:///p/infra/main.bicep' }, region: { startLine: 7 } } },
  ],
}

/** Runs `infra/check.ts` in a copy of the project, with programs that stand in for the compilers. */
async function check(compilers: Readonly<Record<string, Compiler>>, options: readonly string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'check-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp('infra', join(folder, 'infra'), { recursive: true })
  for (const [version, { results = [], snapshotExit = 0 }] of Object.entries(compilers)) {
    const tools = join(folder, 'packages/azure.bicep.commandline.linux-x64', version, 'tools')
    await mkdir(tools, { recursive: true })
    const sarif = JSON.stringify({ runs: [{ results }] })
    const cases = [
      `--version) echo "Bicep CLI version ${version} (0)" ;;`,
      `lint) echo '${sarif}' ;;`,
      `snapshot) echo "it differs"; exit ${snapshotExit} ;;`,
    ]
    await writeFile(join(tools, 'bicep'), `#!/bin/sh\ncase "$1" in\n${cases.join('\n')}\nesac\n`)
    await chmod(join(tools, 'bicep'), 0o755)
  }
  // No compiler of this machine is found.
  const env = { PATH: '/usr/bin:/bin', NUGET_PACKAGES: join(folder, 'packages') }
  return new Promise<{ exit: number; out: string; err: string }>((resolve) => {
    const child = execFile(process.execPath, [join(folder, 'infra/check.ts'), ...options], { env }, (_, out, err) =>
      resolve({ exit: child.exitCode ?? -1, out, err }),
    )
  })
}

const BOTH = { [NEWEST]: {}, [OLDEST]: {} }

describe('npm run infra', () => {
  it.each([[[]], [['--required']], [['--write']]])(
    'ends with 0 where the compilers have nothing to say (%j)',
    async (options) => {
      const { exit, out, err } = await check(BOTH, options)
      expect({ exit, err }).toEqual({ exit: 0, err: '' })
      for (const version of [NEWEST, OLDEST]) expect(out).toContain(`Bicep ${version} has read infra`)
    },
  )

  it.each([NEWEST, OLDEST])('ends with 1 where %s says something, be it a warning', async (version) => {
    const { exit, err } = await check({ ...BOTH, [version]: { results: [WARNING] } })
    expect({ exit, err }).toEqual({ exit: 1, err: 'infra/main.bicep:7 BCP037: The property "x" is not allowed.\n' })
  })

  it('ends with 1 where a snapshot differs, and names each', async () => {
    const { exit, err } = await check({ ...BOTH, [NEWEST]: { snapshotExit: 1 } })
    expect(exit).toBe(1)
    for (const name of ALL_NAMES) expect(err).toContain(`infra/test/${name}.bicepparam`)
  })

  it('leaves out what a compiler is missing for, and says so', async () => {
    const { exit, out, err } = await check({})
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    for (const version of [NEWEST, OLDEST]) expect(out).toContain(`Bicep ${version} is not on this machine`)
  })

  it.each(['--required', '--write'])('ends with 1 where %s needs a compiler that is missing', async (option) => {
    const { exit, err } = await check({ [NEWEST]: {} }, [option])
    expect(exit).toBe(1)
    expect(err).toContain(`Bicep ${OLDEST} is not on this machine`)
  })
})
