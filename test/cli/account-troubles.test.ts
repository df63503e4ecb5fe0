import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openApp } from '../../src/app/app.ts'
import type { StatusAnswer } from '../../src/core/status/fields.ts'
import { MINUTE_MS } from '../../src/core/time/durations.ts'
import { provision } from '../../src/steps/provision.ts'
import { requireSettings } from '../setup/settings.ts'
import { type Deployment, startDeployment } from './deployment.ts'

// What `status` and `doctor` say of an account that cannot ask: the reason, and what to type.

const USAGE = { name: 'usage', dataset: 'AzureUsage', columns: ['Month', 'CustomerName', 'UsageQuantity'] }
const FEEDS = ['usage', 'other', 'third'].map((name) => ({ ...USAGE, name, from: '2025-04-01', to: '2025-06-01' }))
/** Its only window is not due for years. */
const NOT_DUE = { ...USAGE, name: 'later', table: 'Later', from: '2125-01-01', to: '2125-02-01' }

let deployment: Deployment
beforeEach(async () => {
  deployment = await startDeployment(FEEDS)
})
afterEach(() => deployment.close())

/** One tick of an app with other settings, which the commands have from then on, too. */
async function tickWith(changes: Readonly<Record<string, string>>): Promise<void> {
  const settings = { ...deployment.settings, ...changes }
  await writeFile(join(deployment.folder, 'local.settings.json'), JSON.stringify({ Values: settings }))
  await provision(openApp(requireSettings(settings), join(deployment.folder, 'feeds.json'))(() => undefined))
}

const statusOf = async () => (await deployment.command(['status'])).out
const count = (text: string, part: RegExp) => text.match(new RegExp(part, 'gm'))?.length ?? 0

describe('a sign-in that is refused', () => {
  it('is told once, and by a line under every feed of its account, with the command that signs in again', async () => {
    deployment.simulator.fault({ endpoint: 'token', effect: { refuse: 'invalid_grant' }, nth: 'all' })
    await tickWith({})
    const out = await statusOf()
    const signIn = '"npx partner-insights-sync consent --account default"'
    for (const { name } of FEEDS)
      expect(out).toContain(
        `${name}: It waits for account default, whose sign-in is refused (unauthorized): ${signIn}\n`,
      )
    expect(count(out, /invalid_grant/)).toBe(1)
    expect(out).toMatch(/^! Account default cannot sign in \(unauthorized\)/m)
    expect(out).toMatch(/^ {2}npx partner-insights-sync consent --account default$/m)
    expect(out).toMatch(/^account default tries its sign-in at each tick/m)
    expect(out).not.toContain('PARTNER_')
    const doctor = (await deployment.command(['doctor'])).out
    expect(doctor).toMatch(/sign-in: .*invalid_grant.*Type: npx partner-insights-sync consent --account default$/m)
    expect(doctor).not.toContain('PARTNER_')
    const { refused } =
      (JSON.parse((await deployment.command(['status', '--json'])).out) as StatusAnswer).accounts[0] ?? {}
    const asking = [
      ['datasets'],
      ['queries'],
      ['reports'],
      ['reports', 'delete', 'an-id'],
      ['cleanup'],
      ['cleanup', '--all'],
    ]
    for (const command of asking) {
      const { exit, err } = await deployment.command(command)
      expect([command, exit, err]).toEqual([
        command,
        1,
        expect.stringContaining(`${refused?.remedy} Type: ${refused?.command}\n`),
      ])
    }
  }, 60_000)

  it('for want of a setting tells each command what to set', async () => {
    const feeds = { accounts: { emea: {} }, feeds: [{ ...USAGE, account: 'emea' }] }
    await writeFile(join(deployment.folder, 'feeds.json'), JSON.stringify(feeds))
    const { err, exit } = await deployment.command(['datasets'])
    expect([exit, err]).toEqual([
      1,
      expect.stringMatching(
        /PARTNER_CLIENT_ID__EMEA, .* missing\. Set what the message says is missing.* Type: .* doctor\n$/,
      ),
    ])
  }, 60_000)

  it('with a secret names the secret to store, and the setting once', async () => {
    deployment.simulator.fault({ endpoint: 'token', effect: { refuse: 'invalid_client' }, nth: 'all' })
    await tickWith({ PARTNER_AUTH: 'client-secret', PARTNER_CLIENT_SECRET: 'old' })
    for (const out of [await statusOf(), (await deployment.command(['doctor'])).out]) {
      expect(count(out, /Store a valid client-secret as partner-default-client-secret in the Key Vault/)).toBe(1)
      expect(count(out, /PARTNER_/)).toBe(1)
      expect(out).not.toContain('consent')
    }
  }, 60_000)

  it('is over under every feed once it works', async () => {
    deployment.simulator.fault({ endpoint: 'token', effect: { refuse: 'invalid_grant' } })
    await tickWith({})
    expect(count(await statusOf(), /whose sign-in is refused/)).toBe(FEEDS.length)
    await tickWith({})
    expect(await statusOf()).not.toMatch(/sign-in/)
    expect((await deployment.entries('usage')).map(({ state }) => state)).toEqual(['requested', 'requested'])
  }, 60_000)
})

describe.each([
  ['a 429', { status: 429, message: 'Too many requests' }],
  ['a quota in a 400', { quota: 0 }],
] as const)('%s for every report', (_, effect) => {
  it('is the reason in status and doctor: how long the account waits, and for how many reports an hour it asks', async () => {
    deployment.simulator.fault({ endpoint: 'createReport', effect, nth: 'all' })
    await deployment.writeFeeds([...FEEDS, NOT_DUE])
    await tickWith({ MAX_REPORTS_PER_HOUR: '20' })
    const reason = String.raw`account default waits until \d{4}-\d\d-\d\dT\d\d:\d\dZ: .*quota; 10 reports an hour`
    const out = await statusOf()
    expect(out).toMatch(new RegExp(`^${reason}`, 'm'))
    for (const { name } of FEEDS)
      expect(out).toMatch(new RegExp(`^${name}: It waits with account default until \\S+Z: .*10 reports an hour$`, 'm'))
    expect(out).not.toContain('later: It waits')
    const doctor = await deployment.command(['doctor'])
    expect(doctor.out).toMatch(new RegExp(`^warning +quota: ${reason}`, 'm'))
  }, 60_000)

  it('makes the account wait for 15 minutes, also once the fault is over', async () => {
    deployment.simulator.fault({ endpoint: 'createReport', effect, nth: 'all' })
    const before = Date.now()
    await tickWith({ MAX_REPORTS_PER_HOUR: '20' })
    const minutes = (at: number) => Math.floor(at / MINUTE_MS)
    const until = async () => /^account default waits until (\S+Z): /m.exec(await statusOf())?.[1] ?? ''
    const first = await until()
    expect(minutes(Date.parse(first))).toBeGreaterThanOrEqual(minutes(before) + 15)
    expect(minutes(Date.parse(first))).toBeLessThanOrEqual(minutes(Date.now()) + 15)
    deployment.simulator.clearFaults()
    await tickWith({ MAX_REPORTS_PER_HOUR: '20' })
    expect(await until()).toBe(first)
    for (const { name } of FEEDS)
      expect((await deployment.entries(name)).map(({ state }) => state)).not.toContain('requested')
  }, 60_000)
})

it('counts a window whose report was refused for the quota as waiting', async () => {
  deployment.simulator.fault({ endpoint: 'createReport', effect: { status: 429, message: 'Too many requests' } })
  await tickWith({ MAX_REPORTS_PER_HOUR: '20' })
  const states = await Promise.all(FEEDS.map(({ name }) => deployment.entries(name)))
  expect(states.flat().map(({ state }) => state)).toEqual(['planned'])
  const out = await statusOf()
  for (const { name } of FEEDS) expect(out).toMatch(new RegExp(`^ *${name} +0 +0 +2 +0 +0 `, 'm'))
}, 60_000)

describe('what a role hides', () => {
  it('is told once of a feed, however many of its windows fail of it', async () => {
    deployment.simulator.fault({ endpoint: 'listExecutions', effect: 'redacted', nth: 'all' })
    await tickWith({})
    for (const { name } of FEEDS) await deployment.settle(name)
    const out = await statusOf()
    for (const { name } of FEEDS) {
      const failed = (await deployment.entries(name)).filter(({ state }) => state === 'failed')
      expect(failed).toHaveLength(2)
      expect(count(out, new RegExp(`${name}.*hides data`))).toBe(1)
      expect(count(out, new RegExp(`^ {2}npx partner-insights-sync unblock ${name}$`, 'm'))).toBe(1)
    }
    expect(count(out, /Give the account a role/)).toBe(FEEDS.length)
  }, 60_000)
})
