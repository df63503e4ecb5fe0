import { describe, expect, test } from 'vitest'
import { AUTH_MODES } from '../../src/core/feeds/fields.ts'
import { parseNcrontab } from '../../src/core/time/ncrontab.ts'
import type { Environment } from '../../src/settings/environment.ts'
import { SCHEDULES } from '../../src/settings/schedules.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { signInOf } from '../../src/settings/sign-in.ts'
import { PARAMETER_VARIABLES } from '../infra/snapshot.ts'
import { ADDRESSES, namesRead } from '../setup/settings-read.ts'
import { codeOf, namesIn, PAGES, rowsOf, section, type TableRow, textOf } from './page.ts'

const PAGE = textOf('docs/settings.md')
const OTHERS = section(PAGE, '## Read by others')
const ROWS = rowsOf(PAGE.replace(OTHERS, ''), 'name')
const FUNCTIONS = textOf('src/functions.ts')

/** Settings that are complete, and in which no value is a default or an example of the page. */
const COMPLETE = {
  DataStorage: 'AccountName=base;AccountKey=base',
  DEPLOYMENT_ID: 'base',
  PARTNER_TENANT_ID: 'base',
  PARTNER_CLIENT_ID: 'base',
  PARTNER_USERNAME: 'base',
  KEY_VAULT_URL: 'https://base.vault.azure.net',
  CALLBACK_BASE_URL: 'https://base.example/api/callback',
  CALLBACK_SECRET: 'a secret of this test, 32 characters long',
}

/** All that the app acts by with these variables changed. */
function effectOf(name: string, change: Environment): object {
  const { DataStorage, ...rest } = COMPLETE
  const storage = name.startsWith('DataStorage__') ? ADDRESSES : { DataStorage }
  const auth = name === 'PARTNER_USERNAME' ? { PARTNER_AUTH: 'password' } : {}
  const settings = readSettings({ ...rest, ...storage, ...auth, ...change })
  if ('problems' in settings) throw new Error(settings.problems.join('\n'))
  const { partner, ...others } = settings
  const signIn = signInOf('default', {}, { partner, authorityHost: settings.authorityHost, hasVault: true })
  return { ...others, signIn }
}

/** What azd hands to the templates, and what they hand back. */
function namesOfTemplates(): readonly string[] {
  const outputs = textOf('infra/main.bicep').matchAll(/^output (\w+)/gm)
  return [...PARAMETER_VARIABLES, ...Array.from(outputs, ([, name = '']) => name)]
}

const isSchedule = (name: string) => name.endsWith('_SCHEDULE')

/** The rows that have code in a column, with that code. */
function withCode(column: string): readonly (readonly [name: string, value: string])[] {
  return ROWS.flatMap((row: TableRow) => {
    const name = codeOf(row.name)
    const value = codeOf(row[column])
    return name !== undefined && value !== undefined ? [[name, value] as const] : []
  })
}

describe('settings.md', () => {
  test('lists exactly the settings that the code reads', () => {
    expect(namesIn(ROWS, 'name').toSorted()).toEqual([...namesRead()].toSorted())
  })

  test('lists exactly the ways to sign in', () => {
    expect(namesIn(rowsOf(PAGE, '`PARTNER_AUTH`'), '`PARTNER_AUTH`').toSorted()).toEqual(AUTH_MODES.toSorted())
  })

  test.each(withCode('default').filter(([name]) => !isSchedule(name)))('%s is %s by default', (name, value) => {
    expect(effectOf(name, { [name]: value })).toEqual(effectOf(name, {}))
  })

  test.each(withCode('example').filter(([name]) => !isSchedule(name)))('%s takes %s', (name, value) => {
    expect(effectOf(name, { [name]: value })).not.toEqual(effectOf(name, {}))
  })

  test.each(withCode('default').filter(([name]) => isSchedule(name)))('%s is %s by default', (name, value) => {
    expect(SCHEDULES).toHaveProperty(name, value)
    expect(FUNCTIONS).toContain(`process.env.${name} || SCHEDULES.${name},`)
  })

  test.each(withCode('example').filter(([name]) => isSchedule(name)))('%s takes %s', (_, value) => {
    expect(parseNcrontab(value)).toBeDefined()
  })

  test('has a row for every setting that any page names', () => {
    const known = new Set([...namesIn(ROWS, 'name'), ...namesIn(rowsOf(OTHERS, 'name'), 'name')])
    // A column of a report, and a setting that limits.md says is not there yet.
    const notSettings = ['ACR_USD', 'NOTIFY_LANDED', ...namesOfTemplates()]
    for (const page of PAGES) {
      const named = Array.from(textOf(page).matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:__[A-Z]+)?`/g), ([, name = '']) => name)
      expect(
        named.filter((name) => !known.has(name) && !notSettings.includes(name)),
        page,
      ).toEqual([])
    }
  })
})
