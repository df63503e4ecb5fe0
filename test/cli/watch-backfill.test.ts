import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDisplay } from '../../cli/backfill/watch.ts'
import { rememberFeeds } from '../../src/steps/requesting/remember-feeds.ts'
import { type Deployment, spawnCommand, startDeployment } from './deployment.ts'

const USAGE = {
  name: 'usage',
  dataset: 'AzureUsage',
  columns: ['Month', 'CustomerName', 'UsageQuantity'],
  from: '2025-03-01',
  to: '2025-05-01',
  refresh: { every: 'P30D', for: 'P1D' },
}

let deployment: Deployment
beforeAll(async () => {
  deployment = await startDeployment([USAGE])
  const { services } = deployment
  await services.ledger.create()
  await rememberFeeds(services, await services.ledger.appRows())
})
afterAll(() => deployment.close())

const watch = (...args: readonly string[]) => spawnCommand(deployment.folder, ['backfill', '--watch', ...args])

/** What a stream has shown, with `isTTY` as a terminal has it. */
function screen(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 200, clearLine: () => true, cursorTo: () => true })
  let shown = ''
  stream.on('data', (chunk) => {
    shown += String(chunk)
  })
  return { stream: stream as unknown as NodeJS.WriteStream, shown: () => shown }
}

it('Ctrl-C ends it with what was seen last and exit code 130', async () => {
  const child = watch()
  const out = text(child.stdout)
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  await closed
  expect(child.exitCode).toBe(130)
  expect(await out).toMatch(
    /^0 of 2 windows of history landed, 0 in the last hour, 0 under way, about \d+ minutes left\n$/,
  )
})

it('shows the progress while the app runs, and ends when history is done', async () => {
  const child = watch()
  const [out, err] = [text(child.stdout), text(child.stderr)]
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  await deployment.run('usage')
  await closed
  expect({ exit: child.exitCode, err: await err }).toEqual({ exit: 0, err: '' })
  const lines = (await out).split('\n')
  expect(lines[0]).toMatch(/^0 of 2 windows/)
  expect(lines).toContain('2 of 2 windows of history landed, 2 in the last hour, 0 under way')
  expect(lines.at(-4)).toMatch(/^usage +2 +0 +0 +0 +0 +0 +0 +done$/)
})

it('exits with 1 where windows are left that the app does not ask for', async () => {
  await deployment.command(['backfill', 'pause'])
  await deployment.command(['backfill', '--all'])
  const { exit, out, err } = await deployment.command(['backfill', '--watch', '--json'])
  expect({ exit, err }).toEqual({ exit: 1, err: 'usage is paused\n' })
  expect(JSON.parse(out)).toMatchObject({ feeds: [{ feed: 'usage', waiting: 2, progress: 'paused' }] })
})

it('ends where the rest is due only days later, and says when', async () => {
  await deployment.command(['backfill', 'resume'])
  await deployment.run('usage')
  const to = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10)
  const from = new Date(Date.now() - 4 * 86_400_000).toISOString().slice(0, 10)
  await deployment.writeFeeds([USAGE, { name: 'late', dataset: 'MSLearn', from, to, delay: 'P9D', refresh: false }])
  await rememberFeeds(deployment.services, await deployment.services.ledger.appRows())
  const { exit, out, err } = await deployment.command(['backfill', '--watch'])
  expect({ exit, err }).toEqual({ exit: 0, err: '' })
  expect(out).toMatch(/\nthe rest is due later: the app asks for it from \d{4}-\d\d-\d\dT\d\d:\d\dZ on\n$/)
})

it('is one line that changes on a terminal, and a line for each change elsewhere', async () => {
  const plain = screen(false)
  const lines = openDisplay(plain.stream)
  for (const each of ['one', 'one', 'two']) lines.show(each)
  lines.end()
  expect(plain.shown()).toBe('one\ntwo\n')
  const terminal = screen(true)
  const line = openDisplay(terminal.stream)
  line.show('one')
  line.show('two')
  await expect.poll(terminal.shown).toContain('two')
  line.end()
  expect(terminal.shown()).not.toContain('one\n')
  // The cursor that was hidden is shown again.
  expect(terminal.shown().endsWith('\u001B[?25h')).toBe(true)
})
