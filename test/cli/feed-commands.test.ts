import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { provision } from '../../src/steps/provision.ts'
import { storageOf } from '../setup/storage.ts'
import { type Deployment, pushedFeeds, startDeployment } from './deployment.ts'

const USAGE = { name: 'usage', dataset: 'AzureUsage', from: '2025-04-01', to: '2025-05-01' }

let deployment: Deployment

beforeAll(async () => {
  deployment = await startDeployment([USAGE])
  await provision(deployment.services)
})
afterAll(() => deployment.close())

const command = (...args: readonly string[]) => deployment.command(args)

/** As if nobody had pushed. */
async function removePushed() {
  await storageOf(deployment.azurite.connectionString).container('config').getBlobClient('feeds.json').deleteIfExists()
  await provision(deployment.services)
}

describe('validate', () => {
  it('warns of each field that changes nothing where it stands, as push does', async () => {
    const file = join(deployment.folder, 'idle.json')
    const ended = { from: '2024-01-01', to: '2025-01-01', openWindow: false, delay: 'P9D' }
    const feeds = [
      { name: 'own', dataset: 'MSLearn', query: 'SELECT Roles FROM MSLearn TIMESPAN LAST_MONTH', newColumns: 'fail' },
      { name: 'ended', dataset: 'CSPRevenueDetails', ...ended, refresh: false, window: 'P3M', backfillWindow: 'P1Y' },
      { name: 'short', dataset: 'MSLearn', from: 'P2W', backfillWindow: 'P1M', refresh: { for: 'P2D' } },
      {
        name: 'named',
        dataset: 'AzureUsage',
        columns: ['Month'],
        types: { CustomerName: 'string' },
        timeColumn: 'Month',
      },
    ]
    await writeFile(file, JSON.stringify({ feeds }))
    const { exit, out } = await command('validate', '--feeds', file)
    expect(exit).toBe(0)
    const warnings = out.split('\n').filter((line) => line.startsWith('warning: '))
    const expected = [
      /"own": query: TIMESPAN LAST_MONTH changes nothing: each report is asked for with the times of its window/,
      /"own": newColumns changes nothing/,
      /"ended": window changes nothing/,
      /"ended": openWindow changes nothing/,
      /"ended": refresh changes nothing/,
      /"ended": delay changes nothing/,
      /"short": backfillWindow changes nothing/,
      /"short": refresh asks for no settled window again: refresh.for is not longer than delay/,
      /"named": timeColumn changes nothing/,
      /"named": types of CustomerName change nothing/,
    ]
    for (const each of expected) expect(warnings).toContainEqual(expect.stringMatching(each))
    expect(warnings.filter((line) => line.includes('"ended": from') || line.includes('"ended": to '))).toEqual([])
    const pushed = await command('feeds', 'push', '--feeds', file, '--dry-run')
    expect(pushed.out.split('\n').filter((line) => line.startsWith('warning: '))).toEqual(warnings)
  })

  it('warns of a start that is still to come, and of a key that the app does not choose by itself', async () => {
    const file = join(deployment.folder, 'start.json')
    const learn = { dataset: 'MSLearn', key: ['UserId'] }
    const feeds = [
      { ...learn, name: 'keyed', from: '2099-05-01' },
      { ...learn, name: 'named', columns: ['UserId', 'CompletionDate'] },
    ]
    await writeFile(file, JSON.stringify({ feeds }))
    const { out } = await command('validate', '--feeds', file)
    expect(out.split('\n').filter((line) => line.startsWith('warning: '))).toEqual([
      expect.stringMatching(
        /"keyed": key has UserId, which the app does not choose by itself: .*name it in columns too$/,
      ),
      'warning: feed "keyed": from is 2099-05-01, which is still to come: nothing lands before',
    ])
  })

  it('says with the errors what to be warned of, errors first, and of a feed in error its errors alone', async () => {
    const file = join(deployment.folder, 'both.json')
    const idle = { dataset: 'MSLearn', query: 'SELECT Roles FROM MSLearn', newColumns: 'fail', from: 'P2D' }
    const feeds = [
      { ...idle, name: 'good' },
      { ...idle, name: 'bad', delay: 'soon' },
      { ...idle, name: 'worse', query: 'SELECT Roles FROM MSLearn LIMIT' },
      { ...idle, name: 'other', query: 'SELECT Roles FROM AzureUsage' },
      { ...idle, name: 'doubted', query: 'SELECT Rols FROM MSLearn' },
      { ...idle, name: 'twin', table: 'One' },
      { ...idle, name: 'twin', table: 'Two' },
      { ...idle, name: 'late', table: 'Good' },
    ]
    await writeFile(file, JSON.stringify({ feeds }))
    const problems = [
      'feed "bad": delay is "soon"; it must be an ISO 8601 duration, such as P7D or PT12H',
      'feed "worse": query: a whole number from 1 is expected at character 32',
      'feed "other": query: FROM names AzureUsage at character 19; it must be MSLearn',
      'feed "twin" (number 7): name is "twin", which feed number 6 has too; it must be unique',
      'feed "late": table is "Good", the table of feed "good"; each feed needs its own table, and case does not count',
    ]
    const warnings = [
      'feed "doubted": query: Rols at character 8 is not a column or metric of MSLearn; the nearest is Roles',
      ...['good', 'doubted'].map(
        (name) => `feed "${name}": newColumns changes nothing: what a query of your own selects is never new`,
      ),
    ]
    const run = await command('validate', '--feeds', file)
    const lines = [...problems, ...warnings.map((each) => `warning: ${each}`)]
    expect(run).toEqual({ exit: 1, out: '', err: `${lines.join('\n')}\n` })
    const json = await command('validate', '--feeds', file, '--json')
    expect(JSON.parse(json.out)).toEqual({ problems, warnings })
  })

  it('warns of an account that no feed uses, as push and the doctor do', async () => {
    const file = join(deployment.folder, 'accounts.json')
    const accounts = { emea: { tenantId: 'emea.contoso.com' }, asia: { tenantId: 'asia.contoso.com' } }
    const unused = 'account "asia": no feed uses it; name it as the account of a feed, or take it out'
    const write = (more: object) =>
      writeFile(
        file,
        JSON.stringify({ accounts, feeds: [USAGE, { ...USAGE, name: 'other', account: 'emea', ...more }] }),
      )
    await write({ enabled: false })
    for (const args of [['validate'], ['feeds', 'push', '--dry-run']]) {
      const { exit, out } = await command(...args, '--feeds', file)
      expect({ exit, of: out.split('\n').filter((line) => line.includes('no feed uses')) }).toEqual({
        exit: 0,
        of: [`warning: ${unused}`],
      })
    }
    const { findings } = JSON.parse((await command('doctor', '--json', '--feeds', file)).out)
    expect(findings).toContainEqual(expect.objectContaining({ level: 'warning', message: unused }))
    await write({ delay: 'soon' })
    const { err } = await command('validate', '--feeds', file)
    expect(err.match(/no feed uses/g)).toHaveLength(1)
    await writeFile(file, JSON.stringify({ accounts: { emea: { tenantId: 3 } }, feeds: [USAGE] }))
    expect((await command('validate', '--feeds', file)).err).toMatch(/^account "emea": tenantId is 3; [^\n]*\n$/)
  })

  it('says of a feed that ends before what Microsoft documents that nothing of it is offered', async () => {
    const file = join(deployment.folder, 'past.json')
    const feeds = [
      { name: 'past', dataset: 'AzureUsage', from: '2020-01-01', to: '2020-06-01' },
      { name: 'learn', dataset: 'MSLearn', from: 'P10Y', to: 'P9Y' },
    ]
    await writeFile(file, JSON.stringify({ feeds }))
    const { exit, out } = await command('validate', '--feeds', file)
    expect(exit).toBe(0)
    expect(out).toMatch(
      /^warning: feed "past": the service offers nothing of its time, which ends at 2020-06-01: Microsoft documents AzureUsage from 20\d\d-\d\d-01 on; set a later to, or leave it out, unless /m,
    )
    expect(out).toMatch(/^warning: feed "learn": the service offers nothing of its time, which ends at 20\d\d-/m)
    expect(out).not.toContain('history starts')
  })

  it('says how many reports a history takes and how long, and what makes a long one shorter', async () => {
    const file = join(deployment.folder, 'decade.json')
    const feed = { name: 'meetings', dataset: 'TeamsUsageMeetingsAndCalls', from: 'P10Y', refresh: false }
    await writeFile(file, JSON.stringify({ feeds: [feed] }))
    const validate = () => deployment.command(['validate', '--feeds', file], { MAX_REPORTS_PER_HOUR: '20' })
    const { exit, out } = await validate()
    const takes = /^feed meetings: history takes 362\d reports, about 8 days$/m
    expect(out).toMatch(takes)
    expect(out).toMatch(
      /^warning: feed "meetings": history takes 362\d reports, about 8 days: "backfillWindow": "P1M" makes it 1\d\d, a later from fewer too$/m,
    )
    expect(exit).toBe(0)
    await writeFile(file, JSON.stringify({ feeds: [{ ...feed, backfillWindow: 'P1M' }] }))
    expect((await validate()).out).not.toContain('warning')
  })
})

describe('the file of --feeds', () => {
  const READERS = [
    ['validate'],
    ['feeds', 'push'],
    ['feeds', 'diff'],
    ['status'],
    ['datasets'],
    ['queries'],
    ['reports'],
    ['backfill', '--dry-run'],
    ['retry', 'usage', '--month', '2025-04'],
    ['import', 'usage', 'feeds.json', '--month', '2025-04'],
    ['consent', '--local', '--account', 'emea'],
  ]

  it.each(READERS)('that does not exist is named with what to type: %s', async (...args) => {
    const { exit, out, err } = await command(...args, '--feeds', 'nope.json')
    const remedy = 'name the file of your feeds with --feeds, or get those that were pushed with "feeds pull"'
    expect({ exit, out, err }).toEqual({ exit: 1, out: '', err: `nope.json does not exist: ${remedy}\n` })
  })

  it('that cannot be used is named in each message', async () => {
    for (const [text, problem] of [
      ['{"feeds": [', 'it is not JSON: '],
      ['[]', 'it must be an object with the field feeds'],
      ['{"feeds": [], "acounts": {}}', 'field "acounts" is not known'],
    ] as const) {
      await writeFile(join(deployment.folder, 'bad.json'), text)
      for (const args of [['validate'], ['feeds', 'push'], ['feeds', 'diff']]) {
        const { err } = await command(...args, '--feeds', 'bad.json')
        expect([args, err]).toEqual([args, expect.stringContaining(`bad.json: ${problem}`)])
        expect(err).not.toContain('feeds.json')
      }
    }
    await writeFile(join(deployment.folder, 'bad.json'), '[]')
    for (const args of [['datasets'], ['consent', '--local', '--account', 'emea'], ['doctor']]) {
      const { out, err } = await command(...args, '--feeds', 'bad.json')
      expect([args, out + err]).toEqual([args, expect.stringContaining('bad.json: it must be an object')])
    }
    const args = ['consent', '--local', '--feeds', 'bad.json']
    const ofDefault = await deployment.command(args, { PARTNER_AUTH: 'managed-identity' })
    expect(ofDefault.err).toBe('account default signs in with managed-identity: only refresh-token needs consent\n')
  })

  it('is named by the doctor, also where it does not exist', async () => {
    const { exit, out } = await command('doctor', '--feeds', 'nope.json')
    expect(exit).toBe(1)
    expect(out).toContain(
      'feeds: nope.json does not exist. Name the file of your feeds with --feeds, and give it to the app with feeds push.',
    )
  })

  it('is written by "feeds pull", or it says that it cannot be', async () => {
    expect(await command('feeds', 'push')).toMatchObject({ exit: 0 })
    const { exit, err } = await command('feeds', 'pull', '--feeds', 'none/feeds.json')
    expect({ exit, err }).toEqual({ exit: 1, err: 'none/feeds.json cannot be written (Error, ENOENT)\n' })
    await removePushed()
  })
})

describe('a typo in a condition', () => {
  it('warns of a name in a condition that the catalogue lacks, in the words of push, of the block and of the doctor', async () => {
    const file = join(deployment.folder, 'typo.json')
    const typo = { ...USAGE, name: 'typo', table: 'Typo', columns: ['Month'], where: "Mnth = '2025-04'" }
    const words = 'where: Mnth at character 1 is not a column or metric of AzureUsage; the nearest is Month'
    await writeFile(file, JSON.stringify({ feeds: [USAGE, typo] }))
    const warning = `warning: feed "typo": ${words}\n`
    const validated = await command('validate', '--feeds', file)
    expect(validated).toMatchObject({ exit: 0, err: '', out: expect.stringContaining(warning) })
    const before = await pushedFeeds(deployment)
    expect((await command('feeds', 'push', '--feeds', file)).out).toContain(warning)
    await provision(deployment.services)
    const status = JSON.parse((await command('status', '--json', '--feed', 'typo')).out)
    expect(status.feeds).toMatchObject([{ blocked: { message: expect.stringContaining(words) } }])
    const doctor = JSON.parse((await command('doctor', '--json', '--feeds', file)).out)
    const ofTypo = doctor.findings.filter(({ message }: { message: string }) => /feed "?typo/.test(message))
    expect(ofTypo.map(({ level }: { level: string }) => level)).not.toContain('ok')
    expect(ofTypo).toContainEqual(expect.objectContaining({ message: expect.stringContaining(words) }))
    expect(before).toBeUndefined()
    await removePushed()
  })
})

describe('feeds', () => {
  it('push names what is added, changed and removed, and lets feeds stop with --yes alone', async () => {
    const others = ['b1', 'c1'].map((name) => ({ ...USAGE, name, table: name.repeat(3), enabled: name === 'b1' }))
    await deployment.writeFeeds([USAGE, ...others])
    const grown = await command('feeds', 'push')
    expect(grown.out).toBe(
      '+ b1\n+ c1\npushed 3 feeds (2 added, 0 changed, 0 removed); the app reads them at its next tick\n',
    )
    await provision(deployment.services)
    const before = await pushedFeeds(deployment)
    await deployment.writeFeeds([USAGE, ...others.map((other) => ({ ...other, enabled: false }))])
    const disabled = 'b1 stops: it is disabled, so nothing new is asked for; its rows stay\n'
    expect((await command('feeds', 'push')).err).toBe(
      `${disabled}nothing was pushed: add --yes if these feeds may stop\n`,
    )
    await deployment.writeFeeds([{ ...USAGE, shards: 3 }])
    const stop = 'b1 stops: it is not in the file, so nothing new is asked for; its rows stay\n'
    expect(await command('feeds', 'push', '--dry-run')).toMatchObject({
      exit: 0,
      out: `- b1\n- c1\n~ usage: shards\n${stop}a push wants --yes, if these feeds may stop\n`,
    })
    const refused = await command('feeds', 'push')
    const why = `${stop}nothing was pushed: add --yes if these feeds may stop\n`
    expect(refused).toEqual({ exit: 1, out: '- b1\n- c1\n~ usage: shards\n', err: why })
    expect(await pushedFeeds(deployment)).toBe(before)
    const done = await command('feeds', 'push', '--yes')
    const sum = 'pushed 1 feed (0 added, 1 changed, 2 removed); the app reads them at its next tick\n'
    expect(done).toMatchObject({ exit: 0, err: '', out: `- b1\n- c1\n~ usage: shards\n${stop}${sum}` })
    await provision(deployment.services)
    expect((await command('status')).out).toContain(
      'b1 is disabled or no longer in feeds.json: it asks for nothing new',
    )
    await deployment.writeFeeds([USAGE])
    expect(await command('feeds', 'push')).toMatchObject({ exit: 0 })
    await provision(deployment.services)
  })

  it('push over the deployed feeds, or over a file that cannot be read, names what stops too', async () => {
    const config = storageOf(deployment.azurite.connectionString).container('config')
    expect((await command('status')).out).toContain('; the feeds.json that the app was given counts')
    await removePushed()
    expect((await command('status')).out).toContain('; the feeds.json that the app was built with counts')
    expect((await command('feeds', 'pull')).err).toMatch(
      /^no feeds were pushed: .* the feeds.json that it was built with$/m,
    )
    await deployment.writeFeeds([{ ...USAGE, name: 'alone', table: 'Alone' }])
    const stop = /^usage stops: /
    expect(await command('feeds', 'push')).toMatchObject({ exit: 1, err: expect.stringMatching(stop) })
    await config.getBlockBlobClient('feeds.json').upload('{', 1)
    expect(await command('feeds', 'push')).toMatchObject({ exit: 1, err: expect.stringMatching(stop) })
    await deployment.writeFeeds([USAGE])
    expect(await command('feeds', 'push')).toMatchObject({ exit: 0 })
  })

  it('pull keeps a copy of what it overwrites, under a name that is free', async () => {
    const file = join(deployment.folder, 'feeds.json')
    const pushed = await pushedFeeds(deployment)
    const same = await command('feeds', 'pull')
    expect(same).toMatchObject({ exit: 0, out: 'feeds.json now has the feeds that the app was given\n' })
    for (const number of [1, 2]) {
      const mine = `{"feeds": []} ${' '.repeat(number)}`
      await writeFile(file, mine)
      const { exit, out } = await command('feeds', 'pull')
      const kept = `feeds.json.${number}.bak has what was in feeds.json before\n`
      expect({ exit, out }).toEqual({ exit: 0, out: `feeds.json now has the feeds that the app was given\n${kept}` })
      expect(await readFile(`${file}.${number}.bak`, 'utf8')).toBe(mine)
      expect(await readFile(file, 'utf8')).toBe(pushed)
    }
  })
})

describe('status of a history that runs', () => {
  it('shows how much of it has landed, and how long the rest takes', async () => {
    await deployment.run('usage')
    await deployment.writeFeeds([{ ...USAGE, from: '2025-01-01' }])
    expect(await command('feeds', 'push', '--yes')).toMatchObject({ exit: 0 })
    await provision(deployment.services)
    const note = 'usage: 3 windows of history left, 1 landed: "backfill" says how long the rest takes\n'
    expect((await command('status')).out).toContain(note)
    await deployment.settle('usage')
    expect((await command('status')).out).not.toContain('of history left')
  })
})

// The last one, because the ledger keeps its feed.
describe('a typo in a condition', () => {
  it('where the feed names no columns, is no doubt for the doctor, who has the list of the service, and nothing of the feed is ok', async () => {
    const feed = { name: 'choice', dataset: 'AzureUsage', from: '2025-04-01', where: "Mnth = '2025-04'" }
    await removePushed()
    await deployment.writeFeeds([USAGE, feed])
    const saidOf = async () => {
      const { findings } = JSON.parse((await command('doctor', '--json')).out)
      const own = findings.filter(({ feed }: { feed?: string }) => feed === 'choice')
      return own.map(({ check, level }: { check: string; level: string }) => `${check} ${level}`)
    }
    expect(await saidOf()).toEqual(['query problem'])
    await provision(deployment.services)
    expect(await saidOf()).toEqual(['query problem', 'feed problem'])
  })
})
