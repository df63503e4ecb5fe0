import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isFailure } from '../../src/core/failures.ts'
import { provision } from '../../src/steps/provision.ts'
import { type Deployment, pushedFeeds, startDeployment } from './deployment.ts'

const USAGE = { name: 'usage', dataset: 'AzureUsage', from: '2025-04-01', to: '2025-05-01' }
const OWN = { name: 'own', dataset: 'MSLearn', query: 'SELECT Colum FROM MSLearn LIMIT 1', from: 'P3M' }

let deployment: Deployment

beforeAll(async () => {
  deployment = await startDeployment([USAGE])
  await deployment.run('usage')
})
afterAll(() => deployment.close())

const command = (...args: readonly string[]) => deployment.command(args)

async function client() {
  const insights = deployment.services.insights('default', {})
  if (isFailure(insights)) throw new Error(insights.message)
  return insights
}

describe('validate', () => {
  it('goes by the limit of reports that the settings have, and names one that is wrong', async () => {
    const [slow, wrong] = [join(deployment.folder, 'slow.json'), join(deployment.folder, 'no-number.json')]
    await writeFile(slow, JSON.stringify({ Values: { MAX_REPORTS_PER_HOUR: '3' } }))
    await writeFile(wrong, JSON.stringify({ Values: { MAX_REPORTS_PER_HOUR: 'many' } }))
    expect((await command('validate', '--settings', slow)).out).toContain(
      ' of 72 allowed (MAX_REPORTS_PER_HOUR is 3)\n',
    )
    expect(await command('validate', '--settings', wrong)).toMatchObject({
      exit: 1,
      err: 'MAX_REPORTS_PER_HOUR is "many": it takes a whole number from 1\n',
    })
  })

  it('needs no settings, and names every problem with its place', async () => {
    const file = join(deployment.folder, 'other.json')
    const none = join(deployment.folder, 'none.json')
    await writeFile(none, '{"Values":{}}')
    await writeFile(file, JSON.stringify({ feeds: [USAGE, { ...OWN, query: 'SELECT Colum FROM MSLearn LIMIT' }] }))
    const [good, wrong] = await Promise.all([
      command('validate', '--settings', none),
      command('validate', '--feeds', file),
    ])
    expect(good.exit).toBe(0)
    expect(good.out).toMatch(
      /^account default: about \d+\.\d reports a day once history has landed, of 480 allowed \(MAX_REPORTS_PER_HOUR is 20\)\nfeed usage: asks for no window again\nfeed usage: history takes 1 report, about 1 hour\nfeeds.json: 1 feed, no problems\n$/,
    )
    expect(wrong.err).toMatch(/^feed "own": query: a whole number from 1 is expected at character 32\n$/)
    expect(wrong.exit).toBe(1)
  })
})

describe('validate of a history that is too long', () => {
  it('warns, by what the catalogue knows of the service', async () => {
    const file = join(deployment.folder, 'long.json')
    const feed = { name: 'office', dataset: 'OfficeUsage', from: 'P36M' }
    await writeFile(file, JSON.stringify({ feeds: [feed] }))
    const { exit, out } = await command('validate', '--feeds', file)
    expect(out).toMatch(
      /^warning: feed "office": Microsoft documents OfficeUsage from \d{4}-\d\d-01 on: history starts there and not at from/,
    )
    expect(exit).toBe(0)
  })
})

describe('feeds', () => {
  it('push refuses wrong feeds and changes nothing', async () => {
    const file = join(deployment.folder, 'wrong.json')
    await writeFile(file, '{"feeds":[{"name":"usage","dataset":"AzureUsge"}]}')
    const { exit, err } = await command('feeds', 'push', '--feeds', file)
    expect({ exit, err }).toMatchObject({ exit: 1, err: expect.stringMatching(/AzureUsge/) })
    expect(await pushedFeeds(deployment)).toBeUndefined()
    expect(await command('feeds', 'pull')).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/no feeds were pushed/),
    })
  })

  it("diff says how the local ones differ, push makes them the app's, pull brings them back", async () => {
    expect(await command('feeds', 'diff')).toMatchObject({ exit: 0, out: 'no feed differs\n' })
    await deployment.writeFeeds([
      { ...USAGE, shards: 2 },
      { ...USAGE, name: 'more', table: 'More' },
    ])
    expect((await command('feeds', 'diff')).out).toBe('~ usage: shards\n+ more\n')
    expect(await command('feeds', 'push')).toMatchObject({ exit: 0 })
    expect(JSON.parse((await pushedFeeds(deployment)) ?? '').feeds).toHaveLength(2)
    expect(JSON.parse((await command('feeds', 'diff', '--json')).out)).toEqual({
      same: true,
      changes: [],
      refused: [],
    })
    await deployment.writeFeeds([USAGE])
    expect((await command('feeds', 'diff')).out).toBe('- more\n~ usage: shards\n')
    expect(await command('feeds', 'pull')).toMatchObject({ exit: 0 })
    expect(await readFile(join(deployment.folder, 'feeds.json'), 'utf8')).toBe(await pushedFeeds(deployment))
    await rm(join(deployment.folder, 'feeds.json.1.bak'))
    await deployment.writeFeeds([USAGE])
    expect(await command('feeds', 'push', '--yes')).toMatchObject({ exit: 0 })
    await provision(deployment.services)
  })

  it('push refuses what the app would not take under a name that it knows, and diff says so', async () => {
    const file = join(deployment.folder, 'moved.json')
    await writeFile(file, JSON.stringify({ feeds: [{ ...USAGE, table: 'Moved' }] }))
    const before = await pushedFeeds(deployment)
    const message = 'feed usage: table changed from Usage to Moved: give it a new name\n'
    expect(await command('feeds', 'push', '--feeds', file)).toMatchObject({ exit: 1, err: message })
    expect(await pushedFeeds(deployment)).toBe(before)
    expect(await command('feeds', 'diff', '--feeds', file)).toMatchObject({
      exit: 0,
      out: `~ usage: table\n${message}`,
    })
  })

  it('push says what a new or shorter "keep" removes, and pushes it with --yes alone', async () => {
    const [entry] = await deployment.entries('usage')
    const rows = entry?.figures?.rowsLanded ?? 0
    const line = `usage: "keep" removes 1 window with ${rows} rows for good, within two days of the next tick\n`
    await deployment.writeFeeds([{ ...USAGE, keep: 'P6M' }])
    const before = await pushedFeeds(deployment)
    const dry = await command('feeds', 'push', '--dry-run')
    const asks = 'a push wants --yes, if these windows may go\n'
    expect(dry).toEqual({ exit: 0, err: '', out: `~ usage: keep\n${line}${asks}` })
    const removes = [{ feed: 'usage', windows: 1, rows }]
    expect(JSON.parse((await command('feeds', 'push', '--dry-run', '--json')).out)).toMatchObject({ removes })
    const refused = await command('feeds', 'push')
    expect(refused).toEqual({
      exit: 1,
      out: '~ usage: keep\n',
      err: `${line}nothing was pushed: add --yes if these windows may go\n`,
    })
    expect(await pushedFeeds(deployment)).toBe(before)
    // What is kept longer than the window is old removes nothing.
    await deployment.writeFeeds([{ ...USAGE, keep: 'P20Y' }])
    expect(await command('feeds', 'push')).toMatchObject({ exit: 0, err: '' })
    await deployment.writeFeeds([{ ...USAGE, keep: 'P6M' }])
    const done = await command('feeds', 'push', '--yes')
    expect(done).toMatchObject({
      exit: 0,
      err: '',
      out: `~ usage: keep\n${line}pushed 1 feed (0 added, 1 changed, 0 removed); the app reads them at its next tick\n`,
    })
    // The app knows it now: the same again removes nothing more.
    await provision(deployment.services)
    expect(await command('feeds', 'push')).toMatchObject({ exit: 0, err: '' })
    await deployment.writeFeeds([USAGE])
    expect(await command('feeds', 'push')).toMatchObject({ exit: 0, err: '' })
    await provision(deployment.services)
  })

  it('push takes a column that only the service can know, and warns of it', async () => {
    const [known, broken] = [join(deployment.folder, 'newer.json'), join(deployment.folder, 'broken.json')]
    const conditions = { ...USAGE, columns: ['Month'], where: 'Newest = 1' }
    await writeFile(known, JSON.stringify({ feeds: [conditions, OWN] }))
    await writeFile(broken, JSON.stringify({ feeds: [conditions, { ...OWN, query: 'SELECT Colum FROM AzureUsage' }] }))
    const before = await pushedFeeds(deployment)
    const refused = await command('feeds', 'push', '--feeds', broken)
    expect(refused).toMatchObject({ exit: 1, err: expect.stringMatching(/^feed "own": query: FROM names AzureUsage /) })
    expect(await pushedFeeds(deployment)).toBe(before)
    const { exit, out } = await command('feeds', 'push', '--feeds', known)
    expect(out).toMatch(
      /^warning: feed "usage": where: Newest .*\nwarning: feed "own": query: Colum .*\n~ usage: columns, where; 1 landed window is outdated then, .*--outdated --feed usage.*\n\+ own\npushed 2 feeds \(1 added, 1 changed, 0 removed\);/,
    )
    expect(exit).toBe(0)
    expect(JSON.parse((await pushedFeeds(deployment)) ?? '').feeds).toHaveLength(2)
    expect(await command('feeds', 'push', '--yes')).toMatchObject({ exit: 0 })
  })
})

describe('datasets and queries', () => {
  it('stand next to the feeds that use them', async () => {
    const [datasets, queries] = await Promise.all([command('datasets'), command('queries', '--json')])
    expect(datasets.out).toMatch(/default +AzureUsage .* usage\n/)
    expect(datasets.out).toMatch(/default +MSLearn .* -\n/)
    const ours = JSON.parse(queries.out).queries.filter(({ feeds }: { feeds: string[] }) => feeds.length > 0)
    expect(ours).toMatchObject([{ feeds: ['usage'], name: expect.stringMatching(/^pis local usage /) }])
  })

  it('a refused sign-in is named without any secret: exit 1', async () => {
    deployment.simulator.fault({ endpoint: 'token', effect: { refuse: 'invalid_grant' } })
    const { exit, out, err } = await command('datasets')
    expect(err).toMatch(/sign-in of account default .* refused/)
    expect(exit).toBe(1)
    expect(out + err).not.toContain(deployment.settings.PARTNER_REFRESH_TOKEN)
  })
})

describe('datasets with a name', () => {
  it('lists its columns and metrics with type and meaning, and whether the service offers them', async () => {
    const [shown, json] = await Promise.all([
      command('datasets', 'azureusage'),
      command('datasets', 'AzureUsage', '--json'),
    ])
    expect(shown).toMatchObject({ exit: 0, err: '' })
    expect(shown.out).toMatch(/default +UsageQuantity +double +yes +Quantity of Azure resource used\n/)
    const { columns } = JSON.parse(json.out)
    expect(columns).toContainEqual(
      expect.objectContaining({ column: 'Month', kind: 'column', type: 'month', offered: true }),
    )
    const live = await (await client()).listDatasets('AzureUsage')
    if (isFailure(live)) throw new Error(live.message)
    const listed = [...(live[0]?.columns ?? []), ...(live[0]?.metrics ?? [])].map((name) => name.trim().toLowerCase())
    const offered = columns.filter((each: { offered: boolean }) => each.offered)
    expect(offered.map(({ column }: { column: string }) => column.toLowerCase()).toSorted()).toEqual(listed.toSorted())
  })

  it('names the nearest where nobody knows it: exit 1', async () => {
    const { exit, err } = await command('datasets', 'AzureUsge')
    expect({ exit, err }).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/"AzureUsge": the nearest is AzureUsage/),
    })
  })
})

describe('reports', () => {
  const schedule = () => ({ start: new Date(Date.now() + 86_400_000), intervalHours: 24 })

  it('lists those of this deployment, and with --all those of others; pauses, resumes and deletes one', async () => {
    const insights = await client()
    // What landed was deleted at the service.
    expect(await command('reports')).toEqual({ exit: 0, err: '', out: 'no reports\n' })
    const [query] = await deployment.services.ledger.feeds()
    const queryId = query && !isFailure(query) ? (query.query?.queryId ?? '') : ''
    const create = async (reportName: string) => {
      const created = await insights.createReport({ reportName, queryId, schedule: schedule() })
      if (created.outcome !== 'created') throw new Error(created.outcome)
      return created.reportId
    }
    const ours = await create('pis local usage every day')
    const other = await create('somebody else')
    const listed = await command('reports')
    expect(listed.out).toMatch(
      new RegExp(`default +${ours} +Active +every 24 h +\\S+Z +- +pis local usage every day\n`),
    )
    expect(listed.out).not.toContain(other)
    expect((await command('reports', '--all')).out).toContain(other)
    const refused = await command('reports', 'pause', other)
    expect(refused).toMatchObject({ exit: 1, err: expect.stringMatching(/is not of this deployment: add --all/) })
    expect(await command('reports', 'pause', ours)).toMatchObject({ exit: 0, out: `report ${ours}: paused\n` })
    expect(await insights.report(ours)).toMatchObject({ status: 'Paused' })
    expect(await command('reports', 'resume', ours.toUpperCase())).toMatchObject({ exit: 0 })
    expect(await insights.report(ours)).toMatchObject({ status: 'Active' })
    expect(await command('reports', 'delete', ours)).toMatchObject({ exit: 0, out: `report ${ours}: deleted\n` })
    expect(await insights.report(ours)).toBeUndefined()
    expect(await command('reports', 'delete', ours)).toMatchObject({
      exit: 1,
      err: `no report ${ours} stands at the service: "reports --all" lists those that do\n`,
    })
    expect(await insights.report(other)).toMatchObject({ status: 'Active' })
    expect(await command('reports', 'pause')).toMatchObject({ exit: 2, err: expect.stringMatching(/name the report/) })
  })

  it('delete leaves alone what an open attempt needs, unless --yes says so', async () => {
    const window = '20250401T000000Z_20250501T000000Z'
    expect(await command('retry', 'usage', '--window', window, '--now')).toMatchObject({ exit: 0 })
    const [entry] = await deployment.entries('usage')
    const reportId = entry?.state === 'requested' ? entry.reportId : ''
    const insights = await client()
    expect((await command('reports')).out).toMatch(new RegExp(`${reportId} .* usage ${window} +pis local usage`))
    const left = await command('reports', 'delete', reportId)
    expect(left).toMatchObject({
      exit: 1,
      err: `report ${reportId} is needed by usage ${window}, which would wait for it in vain: add --yes if you mean it\n`,
    })
    expect(await insights.report(reportId)).toMatchObject({ reportId })
    expect(await command('reports', 'delete', reportId, '--yes')).toMatchObject({ exit: 0 })
    expect(await insights.report(reportId)).toBeUndefined()
  })
})

describe('cleanup', () => {
  it('lists what is left over, and deletes only that, and only with --yes', async () => {
    const insights = await client()
    await insights.createQuery({ name: 'pis local gone 1', query: 'SELECT Month FROM AzureUsage' })
    await insights.createQuery({ name: 'pis localother kept 1', query: 'SELECT Month FROM AzureUsage' })
    const queries = async () =>
      (await insights.listQueries({ includeSystemQueries: false })) as readonly { name: string }[]
    const before = await queries()
    const listed = await command('cleanup')
    expect(listed.out).toMatch(/query +\S+ +left over +pis local gone 1\n/)
    expect(listed.out).toMatch(/query +\S+ +in use +pis local usage /)
    expect(listed.out).not.toContain('localother')
    expect(await queries()).toHaveLength(before.length)
    expect((await command('cleanup', '--yes')).out).toMatch(/deleted +pis local gone 1\n/)
    const left = (await queries()).map(({ name }) => name)
    expect(left).not.toContain('pis local gone 1')
    expect(left).toHaveLength(before.length - 1)
  })
})

describe('cleanup --all', () => {
  const FORMER = { ...USAGE, name: 'former', account: 'old' }

  it('lists all that the app made, and deletes it only with --yes, whatever the ledger needs of it', async () => {
    const insights = await client()
    const extra = { ...USAGE, name: 'extra', table: 'Extra', from: '2025-03-01', to: '2025-04-01' }
    await deployment.writeFeeds([USAGE, extra])
    expect(await command('feeds', 'push', '--yes')).toMatchObject({ exit: 0 })
    await provision(deployment.services)
    expect(await deployment.entries('extra')).toMatchObject([{ state: 'requested' }])
    const made = async () => {
      const [reports, queries] = [await insights.reports(), await insights.listQueries({ includeSystemQueries: false })]
      if (isFailure(reports) || isFailure(queries)) throw new Error('the service does not list them')
      return [...reports.map(({ reportName }) => reportName), ...queries.map(({ name }) => name)].toSorted()
    }
    // By the query of somebody else, which may not go either.
    const foreign = await insights.createQuery({ name: 'somebody else', query: 'SELECT Month FROM AzureUsage' })
    if (isFailure(foreign)) throw new Error(foreign.message)
    const tomorrow = { start: new Date(Date.now() + 86_400_000), intervalHours: 24 }
    await insights.createReport({ reportName: 'somebody else', queryId: foreign.queryId, schedule: tomorrow })
    const before = await made()
    const ours = before.filter((name) => name.startsWith('pis local '))
    expect(ours).toContainEqual(expect.stringContaining('extra 20250301T000000Z 20250401T000000Z '))
    expect(ours).toContainEqual(expect.stringMatching(/^pis local extra [0-9a-f]+$/))
    const listed = await command('cleanup', '--all')
    expect(listed).toMatchObject({ exit: 0, err: '' })
    for (const name of ours) expect(listed.out).toMatch(new RegExp(` to go +${name}\n`))
    expect(listed.out).toMatch(/Nothing is deleted yet\. Stop the app, or it makes anew what it needs/)
    expect(await made()).toEqual(before)
    const done = await command('cleanup', '--all', '--yes', '--json')
    expect(done).toMatchObject({ exit: 0, err: '' })
    const { leftovers } = JSON.parse(done.out) as { leftovers: readonly { name: string; state: string }[] }
    expect(leftovers.map(({ name }) => name).toSorted()).toEqual(ours)
    expect(new Set(leftovers.map(({ state }) => state))).toEqual(new Set(['deleted']))
    expect(await made()).toEqual(before.filter((name) => !ours.includes(name)))
    expect(await made()).toEqual(expect.arrayContaining(['somebody else', 'somebody else']))
    expect(JSON.parse((await command('cleanup', '--all', '--yes', '--json')).out)).toEqual({
      leftovers: [],
      problems: [],
    })
  })

  it('also asks the accounts that no feed of feeds.json uses any more, and goes on past one without a sign-in', async () => {
    await deployment.writeFeeds([USAGE, FORMER])
    const file = join(deployment.folder, 'feeds.json')
    await writeFile(file, JSON.stringify({ accounts: { old: {} }, feeds: [USAGE, FORMER] }))
    expect(await command('feeds', 'push', '--yes')).toMatchObject({ exit: 0 })
    await provision(deployment.services)
    await deployment.writeFeeds([USAGE])
    expect(await command('feeds', 'push', '--yes')).toMatchObject({ exit: 0 })
    const insights = await client()
    await insights.createQuery({ name: 'pis local made 1', query: 'SELECT Month FROM AzureUsage' })
    // Both accounts sign in to the same service here.
    const own = Object.entries(deployment.settings).filter(([name]) => /^PARTNER_(TENANT|CLIENT|REFRESH)/.test(name))
    const old = Object.fromEntries(own.map(([name, value]) => [`${name}__OLD`, value]))
    const signedIn = await deployment.command(['cleanup', '--all', '--json'], old)
    expect(signedIn).toMatchObject({ exit: 0, err: '' })
    const accounts = JSON.parse(signedIn.out).leftovers.map(({ account }: { account: string }) => account)
    expect(new Set(accounts)).toEqual(new Set(['default', 'old']))
    const { exit, err, out } = await command('cleanup', '--all', '--yes')
    expect({ exit, err }).toEqual({ exit: 1, err: expect.stringMatching(/account old/) })
    expect(out).toMatch(/deleted +pis local made 1\n/)
  })
})
