import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const PREFLIGHT = join(import.meta.dirname, '../../local/preflight.cjs')

/** Runs the check in a Node that claims to be of another version. */
function preflight(version: string) {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })
    Object.defineProperty(process, 'version', { value: 'v${version}' })
    require(${JSON.stringify(PREFLIGHT)})`
  return spawnSync(process.execPath, ['-e', pretend], { encoding: 'utf8' })
}

test('Node 24 passes without a word', () => {
  expect(preflight('24.21.0')).toMatchObject({ status: 0, stdout: '', stderr: '' })
})

test.each(['20.20.2', '22.1.0', '25.0.0', '0.12.18'])(
  'Node %s is refused with one line that says what to do',
  (version) => {
    const { status, stderr } = preflight(version)
    expect(status).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(`v${version}`)
    expect(stderr).toContain('on macOS install Node 24')
  },
)
