import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/core/status/fields.ts'
import { forget } from '../../src/steps/operator/forget.ts'
import { importReport } from '../../src/steps/operator/import-report.ts'
import { provision } from '../../src/steps/provision.ts'
import { findFeedRow } from '../setup/stored.ts'
import { type Deployment, startDeployment } from './deployment.ts'

// The query of a feed that has landed is changed to one that the service refuses.

const LEARN = { name: 'learn', dataset: 'MSLearn', from: '2026-01-01', to: '2026-01-04', delay: 'P1D', refresh: false }

let deployment: Deployment

beforeAll(async () => {
  deployment = await startDeployment([LEARN])
  const listsDataset = { dataset: 'MSLearn', ranges: ['LAST_10_YEARS'] }
  deployment.simulator.fault({ endpoint: 'listDatasets', effect: { listsDataset }, nth: 'all' })
  await deployment.run('learn')
})
afterAll(() => deployment.close())

async function toDo(): Promise<StatusAnswer['toDo']> {
  return (JSON.parse((await deployment.command(['status', '--json'])).out) as StatusAnswer).toDo
}

describe('a condition with a wrong name', () => {
  it('is told by the doctor as soon as it is pushed, and the card of the outdated windows names the doctor', async () => {
    await deployment.writeFeeds([{ ...LEARN, where: "Ctry = 'x'" }])
    expect(await deployment.command(['feeds', 'push'])).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^~ learn: where; 3 landed windows are outdated then, and not complete until /m),
    })
    await provision(deployment.services)
    const [outdated, ...more] = await toDo()
    expect([outdated, more]).toMatchObject([{ kind: 'outdated', remedy: expect.stringMatching(/"doctor"/) }, []])
    const { out } = await deployment.command(['doctor'])
    expect(out).toMatch(/^problem +query: feed learn: /m)
  })

  it('blocks the feed once the windows are asked for, and nothing else is printed for them then', async () => {
    const [outdated] = await toDo()
    const words = outdated?.command.split(' ').slice(2) ?? []
    expect(await deployment.command(words)).toMatchObject({ exit: 0 })
    await deployment.run('learn')
    expect(await toDo()).toMatchObject([
      { kind: 'feed-blocked', sentence: expect.stringMatching(/Ctry.*; what landed stays$/) },
    ])
  })

  it('is taken back without a word of outdated windows', async () => {
    await deployment.writeFeeds([LEARN])
    const { out } = await deployment.command(['feeds', 'push'])
    expect(out).toMatch(/^~ learn: where\n/m)
    await deployment.run('learn')
    expect(await toDo()).toEqual([])
  })

  it('is told apart for windows whose time the service may not have any more', async () => {
    const { services } = deployment
    const { query } = (await findFeedRow(services.ledger, 'learn')) ?? expect.fail('no row of the feed')
    async function* bytes() {
      yield Buffer.from(`${query?.columns}\r\n`)
    }
    const window = { from: new Date('2010-01-01'), to: new Date('2010-01-02') }
    expect(await importReport(services, 'learn', window, { name: 'old.csv', bytes })).toHaveProperty('attempt')
    await deployment.settle('learn')
    await deployment.writeFeeds([{ ...LEARN, where: "Ctry = 'x'" }])
    const told = async () => (await deployment.command(['feeds', 'diff'])).out
    const staying = 'the service may not have their time any more'
    expect(await told()).toContain(`~ learn: where; 4 landed windows are outdated then, and not complete until`)
    expect(await told()).toContain(`brought them anew, which it cannot of 1: ${staying}`)
    for (const { window: each } of (await deployment.entries('learn')).slice(1)) await forget(services, 'learn', each)
    expect(await told()).toContain(`~ learn: where; 1 landed window is outdated then, and not complete: ${staying}`)
    await deployment.writeFeeds([LEARN])
    await deployment.run('learn')
  })

  it('of a feed that has not landed is said without a word of what landed', async () => {
    const fresh = { ...LEARN, name: 'fresh', table: 'Fresh', from: '2025-12-01', to: '2025-12-02' }
    await deployment.writeFeeds([LEARN, { ...fresh, where: "Ctry = 'x'" }])
    await deployment.command(['feeds', 'push'])
    await provision(deployment.services)
    expect(await toDo()).toMatchObject([{ feed: 'fresh', sentence: expect.not.stringMatching(/what landed stays/) }])
    await deployment.writeFeeds([LEARN, { ...fresh, where: "Cntry = 'x'" }])
    expect((await deployment.command(['feeds', 'push'])).out).toMatch(/^~ fresh: where\n/m)
  })
})
