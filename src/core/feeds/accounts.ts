import type { Account } from './feed.ts'
import {
  AUTH_MODES,
  addProblem,
  type Fields,
  matching,
  oneOf,
  parseObject,
  parseText,
  read,
  rejectUnknown,
  show,
} from './fields.ts'

/** The account whose sign-in is in the settings without a suffix; every feed that names none uses it. */
export const DEFAULT_ACCOUNT = 'default'

export const ACCOUNT_FIELDS = ['tenantId', 'clientId', 'auth'] as const

/** An account's name goes into the names of settings, of secrets in a Key Vault and of rows. */
const NAME = 'small letters and digits, starting with a letter, 1 to 20 of them'

/** Reads the accounts of `feeds.json` besides the default one. No secret belongs there, so none is read. */
export function readAccounts(file: Fields): Readonly<Record<string, Account>> {
  const accounts = read(file, 'accounts', 'an object of accounts by name', parseObject) ?? {}
  const entries = Object.entries(accounts).map(([name, entry]) => [name, readAccount(file, name, entry)] as const)
  return Object.fromEntries(entries)
}

function readAccount(file: Fields, name: string, entry: unknown): Account {
  if (name === DEFAULT_ACCOUNT)
    addProblem(file, 'accounts has "default"; that one is set by the PARTNER_… settings alone')
  if (!matching(/^[a-z][a-z0-9]{0,19}$/)(name)) addProblem(file, `accounts has ${show(name)}; its name must be ${NAME}`)
  const values = parseObject(entry)
  if (!values) addProblem(file, `account ${show(name)} is not an object with the fields ${ACCOUNT_FIELDS.join(', ')}`)
  const fields = { owner: `account ${show(name)}`, values: values ?? {}, problems: file.problems }
  rejectUnknown(fields, ACCOUNT_FIELDS)
  const tenantId = read(fields, 'tenantId', 'the id or domain of a tenant', parseText)
  const clientId = read(fields, 'clientId', 'the id of an app registration', parseText)
  const auth = read(fields, 'auth', `one of ${AUTH_MODES.join(', ')}`, oneOf(AUTH_MODES))
  return { ...(tenantId && { tenantId }), ...(clientId && { clientId }), ...(auth && { auth }) }
}
