import { expect, it } from 'vitest'
import { provision } from '../../src/steps/provision.ts'
import type { Services } from '../../src/steps/services.ts'
import { sweep } from '../../src/steps/sweep.ts'
import type { World } from '../setup/world.ts'
import { asked, entryOf, FEED, feedRowOf, HALF_A_YEAR, named, worldOf } from './one-window.ts'

type Accounts = Readonly<Record<string, { readonly tenantId?: string; readonly clientId?: string }>>

/** The services of a world that now reads half a year of the feed under account `emea`, as the file has that account. */
function reading({ services }: World, emea: Accounts[string], tenants = services.settings.tenants): Services {
  const file = { accounts: { emea }, feeds: [{ ...HALF_A_YEAR, account: 'emea' }] }
  return {
    ...services,
    settings: { ...services.settings, tenants },
    readFeeds: async () => ({ text: JSON.stringify(file), source: 'container' }),
  }
}

async function landed(services: (world: World) => Services): Promise<World> {
  const world = await worldOf()
  await provision(services(world))
  await sweep(world.services)
  await world.drain()
  expect(await entryOf(world)).toMatchObject({ state: 'landed' })
  return world
}

it('another tenant under the same account is refused, so that the numbers of two never mix in a table', async () => {
  const world = await landed((each) => reading(each, { tenantId: 'contoso' }))
  const before = asked(world).length
  await provision(reading(world, { tenantId: 'fabrikam' }))
  const message = `feed ${FEED.name}: the tenant of account emea changed from contoso to fabrikam: give it a new name`
  expect(await feedRowOf(world)).toMatchObject({ refused: true, blocked: { kind: 'query-refused', message } })
  expect(named(world, 'feed.blocked')).toMatchObject([{ feed: FEED.name, message }])
  expect(asked(world)).toHaveLength(before)
  // Whoever puts it right goes on, also with another application of the same tenant.
  await provision(reading(world, { tenantId: 'Contoso', clientId: 'another' }))
  expect(await feedRowOf(world)).not.toHaveProperty('refused')
})

it('a tenant that moves from the settings to feeds.json is the same, and another one in the settings is refused', async () => {
  const world = await landed((each) => reading(each, {}, { emea: 'contoso' }))
  await provision(reading(world, { tenantId: 'contoso' }, {}))
  expect(await feedRowOf(world)).not.toHaveProperty('refused')
  await provision(reading(world, {}, { emea: 'fabrikam' }))
  expect(await feedRowOf(world)).toMatchObject({ refused: true })
})
