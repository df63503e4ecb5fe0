import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type OpenBrowser, openBrowser } from '../../local/browser.ts'
import { plantEveryState, shownFeeds } from '../../local/every-state.ts'
import { freePorts, waitUntil } from '../../local/processes.ts'
import { isSettled, type StatusBody } from '../../local/start/summary.ts'
import { openApp } from '../../src/app/app.ts'
import { makeProject, runStart, type StartRun } from '../local/start-run.ts'
import { requireSettings } from '../setup/settings.ts'

// The dashboard of an app that runs: `npm start`, which is Azurite, the simulator and the bundle that is deployed.

const MARKUP = '<img src=x onerror="hacked=1">'

let root: string
let run: StartRun
let opened: OpenBrowser
let page: Page

beforeAll(async () => {
  root = await makeProject(shownFeeds(new Date(), { months: 1, days: 14 }))
  const [port] = await freePorts(1)
  run = runStart(root, ['--port', String(port)])
  opened = await openBrowser()
  await waitUntil(
    'the app says where its dashboard is',
    () => dashboardOf(run) !== undefined || run.child.exitCode !== null,
  )
  page = await opened.browser.newPage()
  await page.goto(dashboardOf(run) ?? expect.fail(run.lines.join('\n')))
  await page.locator('.feed').first().waitFor({ timeout: 30_000 })
  const { Values } = JSON.parse(await readFile(join(root, '.local/settings.json'), 'utf8'))
  const address = new URL('status', page.url())
  const headers = { 'x-functions-key': Values.LOCAL_FUNCTION_KEY }
  const status = async () => (await (await fetch(address, { headers })).json()) as StatusBody
  await waitUntil('every window has landed', async () => isSettled(await status()), 300_000).catch((error) => {
    throw new Error(`${error.message}\n${run.lines.join('\n')}`)
  })
  const services = openApp(requireSettings(Values), join(root, 'feeds.json'))(() => undefined)
  await plantEveryState(services, MARKUP)
  await page.reload()
  await page.locator('.card').first().waitFor()
}, 420_000)

afterAll(async () => {
  run.child.kill('SIGINT')
  await run.ended
  await opened.close()
  await rm(root, { recursive: true, force: true })
})

function dashboardOf({ lines }: StartRun): string | undefined {
  return lines.map((line) => /^Dashboard: (http:\S+\/api\/dashboard#\S+)$/.exec(line)?.[1]).find(Boolean)
}

const SEEN = [
  'landed',
  'restated',
  'empty',
  'halved',
  'outdated',
  'running',
  'coming',
  'waiting',
  'unasked',
  'undue',
  'failed',
  'gap',
]

describe.skipIf(process.platform !== 'linux')('the dashboard of an app that runs', () => {
  test.each(SEEN)('shows a window that is %s', async (look) => {
    expect(await page.locator(`.strip .cell.${look}`).count()).toBeGreaterThan(0)
  })

  test('shows what needs a person with its command, timers, the account and what is on its way', async () => {
    const text = (await page.locator('main').textContent()) ?? ''
    for (const part of [
      'seats asks for nothing new',
      'npx partner-insights-sync unblock seats',
      'account default',
      'learn',
    ])
      expect(text).toContain(part)
    expect(text).toMatch(/provision (just now|\d+ (s|min) ago)/)
  })

  test('shows the detail of a window that landed, with what the ledger has of it', async () => {
    await page.locator('.strip .cell.landed[data-feed="azure-usage"]').first().click()
    await page.locator('.panel .figures').waitFor()
    const text = (await page.locator('.panel').textContent()) ?? ''
    expect(text).toMatch(/SHA-256[0-9a-f]{64}/)
    expect(text).toContain('azure-usage/')
    expect(await page.locator('.panel .attempts tbody tr').count()).toBeGreaterThan(0)
    expect(await page.locator('.panel .command').count()).toBeGreaterThan(0)
    await page.keyboard.press('Escape')
    expect(await page.locator('.panel').count()).toBe(0)
  })

  test('shows markup in messages, columns and totals as text', async () => {
    await page.locator('.strip .cell.restated[data-feed="seats"]').click()
    await page.locator('.panel .totals').waitFor()
    expect(await page.locator('.panel .totals').textContent()).toContain('<img src=x')
    expect(await page.locator('.card').first().textContent()).toContain('<img src=x')
    expect(await page.locator('#page img').count()).toBe(0)
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false)
    await page.keyboard.press('Escape')
  })

  test('sends the headers that forbid everything else, and needs no key for itself', async () => {
    const { origin } = new URL(page.url())
    const response = await fetch(`${origin}/api/dashboard`)
    expect(response.status).toBe(200)
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(
      /default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'; connect-src 'self'/,
    )
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    expect((await fetch(`${origin}/api/status`)).status).toBe(401)
  })

  test('gives axe nothing to find, light and dark', async () => {
    await page.evaluate(axe.source)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run())
      expect(violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))).toEqual([])
    }
  })
})
