import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failed } from '../../src/core/failures.ts'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { toFailed } from '../../src/core/ledger/transitions.ts'
import type { StatusAnswer } from '../../src/core/status/fields.ts'
import { windowId } from '../../src/core/time/window.ts'
import { pause } from '../../src/services/retry.ts'
import { provision } from '../../src/steps/provision.ts'
import { windowStatus } from '../../src/steps/status.ts'
import { reportRequests } from '../setup/insights.ts'
import { type Deployment, type Run, startDeployment } from './deployment.ts'

// A landing that a person asked for fails in every way that it can, and the command that `status` prints for it ends that.

const COLUMNS = ['Month', 'CustomerName', 'UsageQuantity']
const USAGE = {
  name: 'usage',
  dataset: 'AzureUsage',
  columns: COLUMNS,
  from: '2025-03-01',
  to: '2025-05-01',
}
const MARCH = '20250301T000000Z_20250401T000000Z'
const JANUARY = '20250101T000000Z_20250201T000000Z'

/** Files that cannot land in a month of the feed, by what they fail of. */
const FILES = {
  'outside-window': (month: string) => `${COLUMNS}\r\n${month}-01,Contoso,1\r\n2019-10-01,Contoso,1\r\n`,
  malformed: () => '{"error":"something else"}',
  'no-header': () => '',
  'too-many-rejects': (month: string) => `${COLUMNS}\r\n${month}-01,Contoso,n/a\r\n`,
  'suspicious-empty': () => `${COLUMNS}\r\n`,
} as const satisfies Record<string, (month: string) => string>
const KINDS = Object.keys(FILES) as (keyof typeof FILES)[]

let deployment: Deployment

beforeAll(async () => {
  deployment = await startDeployment([USAGE])
  await deployment.run('usage')
})
afterAll(() => deployment.close())

function importing(text: string, month: string): Promise<Run> {
  return importInto(['usage', '--month', month], text)
}

/** Imports a file into a window of a feed, and lets the app land it. */
async function importInto([feed = '', ...window]: readonly string[], text: string): Promise<Run> {
  const file = join(deployment.folder, 'own.csv')
  await writeFile(file, text)
  const running = deployment.command(['import', feed, file, ...window])
  let isDone = false
  const ended = running.finally(() => {
    isDone = true
  })
  while (!isDone) {
    await deployment.settle(feed)
    await Promise.race([ended, pause(50)])
  }
  return running
}

async function toDo(): Promise<StatusAnswer['toDo']> {
  return (JSON.parse((await deployment.command(['status', '--json'])).out) as StatusAnswer).toDo
}

async function onlyToDo(): Promise<StatusAnswer['toDo'][number]> {
  const [only, ...more] = await toDo()
  expect(more).toEqual([])
  return only ?? expect.fail('nothing to do')
}

/** Types a command as it is printed, and lets the app do what follows. */
async function type(text: string): Promise<Run> {
  const typed = await deployment.command(text.replace(/^npx partner-insights-sync /, '').split(' '))
  await deployment.run('usage')
  return typed
}

const entry = async (id: string) =>
  (await deployment.entries('usage')).find(({ window }) => windowId(window) === id) as LedgerEntry

describe('a file that cannot land', () => {
  it.each(KINDS)('%s: over rows, the printed command lands again what landed before', async (kind) => {
    const { figures } = await entry(MARCH)
    const { exit, err } = await importing(FILES[kind]('2025-03'), '2025-03')
    expect([exit, err]).toEqual([1, expect.stringMatching(new RegExp(`^${kind}: `))])
    const { command, remedy } = await onlyToDo()
    expect(err).toContain(`${remedy} Type: ${command}`)
    const asked = reportRequests(deployment.simulator).length
    expect(await type(command)).toMatchObject({ exit: 0 })
    expect(await toDo()).toEqual([])
    expect((await entry(MARCH)).figures).toMatchObject({ archive: figures?.archive, totals: figures?.totals })
    expect(reportRequests(deployment.simulator)).toHaveLength(asked)
  })

  it.each(KINDS.filter((kind) => kind !== 'suspicious-empty'))(
    '%s: in a window of its own, the printed command takes the window out',
    async (kind) => {
      expect(await importing(FILES[kind]('2025-01'), '2025-01')).toMatchObject({ exit: 1 })
      expect(await type((await onlyToDo()).command)).toMatchObject({ exit: 0 })
      expect(await toDo()).toEqual([])
      expect(await entry(JANUARY)).toBeUndefined()
    },
  )

  it('without rows over rows: the remedy names what accepts it, from the service and from the file', async () => {
    expect(await importing(FILES['suspicious-empty'](), '2025-03')).toMatchObject({ exit: 1 })
    const { remedy } = await onlyToDo()
    const [, retry = '', forget = ''] = /"(retry [^"]* --accept-empty)".*"(forget [^"]*)"/.exec(remedy) ?? []
    deployment.simulator.fault({ endpoint: 'report', effect: 'headerOnly' })
    expect(await type(retry)).toMatchObject({ exit: 0 })
    expect((await entry(MARCH)).figures).toMatchObject({ verdict: 'empty', origin: 'service' })
    expect(await type('retry usage --month 2025-03')).toMatchObject({ exit: 0 })
    expect((await entry(MARCH)).figures).toMatchObject({ verdict: 'rows' })
    expect(await deployment.command(forget.split(' '))).toMatchObject({ exit: 0 })
    expect(await importing(FILES['suspicious-empty'](), '2025-03')).toMatchObject({ exit: 0 })
    expect((await entry(MARCH)).figures).toMatchObject({ verdict: 'empty', origin: 'import' })
    expect(await type('retry usage --month 2025-03')).toMatchObject({ exit: 0 })
  })
})

describe('an archived report that cannot land', () => {
  it('because it is broken: the printed command asks the service for another', async () => {
    deployment.simulator.fault({ endpoint: 'report', effect: 'truncatedGzip' })
    await type('retry usage --month 2025-03')
    expect(await type('replay usage --month 2025-03')).toMatchObject({ exit: 0 })
    expect(await entry(MARCH)).toMatchObject({ state: 'failed', kind: 'malformed', byPerson: true, origin: 'service' })
    const { sentence, remedy, command } = await onlyToDo()
    expect([sentence, remedy]).toEqual([
      expect.stringContaining('(malformed), the rows of the earlier landing remain'),
      expect.not.stringMatching(/import|forget|rejects/),
    ])
    expect(await type(command)).toMatchObject({ exit: 0 })
    expect(await toDo()).toEqual([])
  })

  it('for a type that does not fit: the remedy says how it lands once that is corrected', async () => {
    await deployment.writeFeeds([{ ...USAGE, types: { CustomerName: 'int64' } }])
    await provision(deployment.services)
    await type('replay usage --month 2025-03')
    const { remedy, command } = await onlyToDo()
    expect(await deployment.command(command.split(' ').slice(2))).toMatchObject({
      exit: 0,
      out: expect.stringContaining('CustomerName'),
    })
    const [, replay = ''] = /"(replay [^"]*)"/.exec(remedy) ?? []
    await deployment.writeFeeds([USAGE])
    await provision(deployment.services)
    expect(await type(replay)).toMatchObject({ exit: 0 })
    expect(await toDo()).toEqual([])
  })
})

describe('a window whose rows the feed no longer asks for', () => {
  it('stays outdated where the rows that stand land again after a file has failed', async () => {
    await deployment.writeFeeds([{ ...USAGE, where: 'UsageQuantity > 0' }])
    await provision(deployment.services)
    const before = await entry(MARCH)
    await importing(FILES['outside-window']('2025-03'), '2025-03')
    const printed = (await toDo()).find(({ window }) => window === MARCH)?.command ?? expect.fail('nothing is printed')
    expect(printed).toContain(`--archive ${before.figures?.archive}`)
    expect(await type(printed)).toMatchObject({ exit: 0 })
    const after = await entry(MARCH)
    expect(after).toMatchObject({ state: 'landed', attempt: before.attempt + 2 })
    expect(after.figures?.rowSet).toBe(before.figures?.rowSet)
    const { feeds } = JSON.parse((await deployment.command(['status', '--json'])).out) as StatusAnswer
    expect(feeds).toMatchObject([{ outdated: 2, complete: 0 }])
    await deployment.writeFeeds([USAGE])
    await provision(deployment.services)
  })
})

describe('a snapshot whose time has passed', () => {
  const PROFILE = { name: 'profile', dataset: 'Profile', snapshot: 'P7D', columns: ['MPNId', 'PartnerName'] }
  const WEEK = { from: new Date('2025-01-06'), to: new Date('2025-01-13') }
  const GOOD = 'MPNId,PartnerName\r\n1,Contoso\r\n'

  beforeAll(async () => {
    await deployment.writeFeeds([USAGE, PROFILE])
    await deployment.run('profile')
  })

  const ofWeek = async () =>
    (await deployment.entries('profile')).find(({ window }) => windowId(window) === windowId(WEEK))

  /** The command that is printed for the failed window, the way out that `retry` names as well. */
  async function printed(): Promise<string> {
    const detail = await windowStatus(deployment.services, 'profile', windowId(WEEK))
    if ('problem' in detail) throw new Error(detail.problem)
    const { remedy = '', command = '' } = detail.error ?? {}
    expect(remedy + command).not.toContain('retry')
    const refused = await deployment.command(['retry', 'profile', '--window', windowId(WEEK)])
    expect([refused.exit, refused.err]).toEqual([1, expect.stringContaining(command)])
    return command
  }

  it.each(['malformed', 'poison', 'deadline'] as const)(
    'that failed with %s, without rows: the printed command takes it out, and nothing asks for it again',
    async (kind) => {
      const [{ figures: _, ...landed } = expect.fail('no snapshot')] = await deployment.entries('profile')
      const failing = toFailed({ ...landed, window: WEEK } as LedgerEntry, failed(kind, 'no'), new Date('2025-01-12'))
      await deployment.services.ledger.write(failing, undefined)
      expect(await type(await printed())).toMatchObject({ exit: 0 })
      expect(await ofWeek()).toBeUndefined()
      expect(await toDo()).toEqual([])
    },
  )

  it('whose file failed over rows: the printed command lands these again', async () => {
    const week = ['profile', '--window', windowId(WEEK)]
    expect(await importInto(week, GOOD)).toMatchObject({ exit: 0 })
    const before = await ofWeek()
    const { exit, err } = await importInto(week, FILES.malformed())
    const command = await printed()
    expect([exit, err]).toEqual([1, expect.stringContaining(`Type: ${command}`)])
    expect(err).not.toContain('retry')
    expect(await type(command)).toMatchObject({ exit: 0 })
    await deployment.settle('profile')
    expect(await ofWeek()).toMatchObject({ state: 'landed', figures: { archive: before?.figures?.archive } })
    expect(await toDo()).toEqual([])
  })
})
