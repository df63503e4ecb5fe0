import { describe, expect, it } from 'vitest'
import { CATALOG, columnKeyOf, findDataset } from '../../src/core/catalog.ts'
import { offeredFinding } from '../../src/core/doctor.ts'
import { defaultSelection, inNamesOf, namesListed } from '../../src/core/feeds/feed-query.ts'
import { askedFor } from '../../src/core/feeds/form.ts'
import { readHeader } from '../../src/core/report/layout.ts'
import { knownColumns, whyNoReport } from '../../src/core/report/no-report.ts'
import { feedOf, problemsOf } from './feed-of.ts'

const PAIRS = CATALOG.flatMap(({ name: dataset, columns }) =>
  columns.flatMap(({ name, aliases = [] }) => aliases.map((alias) => ({ dataset, name, alias }))),
)

const LISTED = { name: 'Profile', columns: ['PartnerName', 'accounttype '], metrics: ['MpnIdCount'], ranges: [] }

const profile = (fields: object = {}) => feedOf({ name: 'profile', dataset: 'Profile', ...fields })

function layoutOf(fields: object, header: readonly string[], expected?: readonly string[]) {
  return readHeader(profile(fields), expected, header, 'profile')
}

describe('two names of one column', () => {
  it('are data of the catalogue', () => {
    expect(PAIRS).toEqual([
      { dataset: 'Profile', name: 'HierarchyLevel', alias: 'AccountType' },
      { dataset: 'TeamsUsageWorkload', name: 'AllUpPartiticipants', alias: 'AllUpParticipants' },
    ])
  })

  it.each(PAIRS)('of $dataset, $name and $alias, have one key, and no other column has either name', (pair) => {
    const dataset = findDataset(CATALOG, pair.dataset)
    const keyOf = columnKeyOf(dataset)
    expect(keyOf(pair.alias.toUpperCase())).toBe(keyOf(pair.name))
    const same = dataset?.columns.filter(({ name }) => keyOf(name) === keyOf(pair.name))
    expect(same).toHaveLength(1)
  })

  it('are one column in what a feed selects, in its key and in its types', () => {
    const feed = profile({ columns: ['AccountType', 'MPNId'], key: ['accounttype'], types: { ACCOUNTTYPE: 'int64' } })
    expect(feed).toMatchObject({ source: { columns: ['HierarchyLevel', 'MPNId'] }, key: ['HierarchyLevel'] })
    expect(feed.types.HierarchyLevel).toBe('int64')
    expect(problemsOf({ dataset: 'Profile', columns: ['HierarchyLevel', 'AccountType'] })).toEqual([
      'feed "azure-usage": columns has "AccountType" twice; once is enough',
    ])
  })

  it('are one column where the service lists one of them', () => {
    expect(namesListed('Profile', LISTED)('HierarchyLevel')).toBe('accounttype')
    expect(namesListed('Profile', LISTED)('AccountType')).toBe('AccountType')
    expect(namesListed('Profile', LISTED)('City')).toBeUndefined()
    expect(
      inNamesOf('Profile', LISTED, { kind: 'columns', columns: ['HierarchyLevel', 'City'], distinct: false }),
    ).toEqual({
      kind: 'columns',
      columns: ['accounttype', 'City'],
      distinct: false,
    })
    expect(defaultSelection(profile(), LISTED).columns).toEqual(['PartnerName', 'accounttype', 'MpnIdCount'])
    expect(offeredFinding(profile({ columns: ['HierarchyLevel'] }), LISTED).level).toBe('ok')
  })

  it('are one column in the conditions, which else stay letter for letter', () => {
    const where = " HierarchyLevel  IN ('HierarchyLevel','b')\nand hierarchylevel!='x' AND PartnerName = 'y'"
    const source = { kind: 'columns', columns: ['PartnerName'], distinct: false, where } as const
    expect(inNamesOf('Profile', LISTED, source).where).toBe(
      " accounttype  IN ('HierarchyLevel','b')\nand accounttype!='x' AND PartnerName = 'y'",
    )
  })

  it('are one column in what was asked for, so that a new name makes no other form', () => {
    const feed = profile()
    expect(askedFor(feed, ['MPNId', 'AccountType'])).toEqual(askedFor(feed, ['HierarchyLevel', 'MPNId']))
  })

  it.each([[['HierarchyLevel']], [['AccountType']]])('are one column in a file, asked for as %j', (asked) => {
    const expected = { columns: [{ name: 'HierarchyLevel', type: 'string' }], unnamed: [] }
    expect(layoutOf({}, ['AccountType'], asked)).toEqual(expected)
    expect(layoutOf({}, ['hierarchylevel'], asked)).toEqual(expected)
    expect(layoutOf({ types: { AccountType: 'int64' } }, ['AccountType'], asked)).toMatchObject({
      columns: [{ name: 'HierarchyLevel', type: 'int64' }],
    })
    const known = knownColumns(profile(), asked, false)
    for (const [name, mustHave] of [
      ['AccountType', ['HierarchyLevel']],
      ['HierarchyLevel', []],
    ] as const) {
      const header = { header: [name], isUnended: false }
      expect(whyNoReport(header, { dataset: 'Profile', known, selected: asked, mustHave }, 'profile')).toBeUndefined()
    }
  })

  it('are two columns where a file has both', () => {
    expect(layoutOf({}, ['AccountType', 'HierarchyLevel'])).toMatchObject({
      columns: [{ name: 'AccountType' }, { name: 'HierarchyLevel' }],
    })
  })
})
