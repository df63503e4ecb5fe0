import axe from 'axe-core'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type OpenBrowser, openBrowser } from '../../local/browser.ts'
import type { StatusAnswer } from '../../src/core/status/fields.ts'
import {
  account,
  feedAnswer,
  fine,
  landed,
  marked,
  NOW,
  statusAnswer,
  troubled,
  windowAnswer,
} from '../page/answers.ts'
import { builtPage, KEY, type PageServer, type Reply, startPageServer } from './page-server.ts'

let opened: OpenBrowser
let server: PageServer
let reply: (path: string) => Reply
beforeAll(async () => {
  opened = await openBrowser()
}, 120_000)
afterAll(() => opened.close())

beforeEach(async () => {
  server = await startPageServer((path) => reply(path))
})
afterEach(async () => {
  for (const context of opened.browser.contexts()) await context.close()
  await server.close()
})

/** What the app answers from now on. */
function answers(status: StatusAnswer): void {
  reply = (path) => {
    if (path === 'status') return { body: status }
    const [, feed = '', window = ''] = path.split('/')
    return { body: windowAnswer(feed, window) }
  }
}

const PHONE = { viewport: { width: 390, height: 844 } }

/** Opens the dashboard in a tab of its own, a few seconds after the answer was made. */
async function openPage(options: BrowserContextOptions = {}, address = server.address): Promise<Page> {
  const context = await opened.browser.newContext({
    viewport: { width: 1200, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  })
  const page = await context.newPage()
  await page.clock.install({ time: new Date(Date.parse(NOW) + 5_000) })
  await page.goto(address)
  await page.locator('.tiles, .banner').first().waitFor()
  return page
}

const cells = (page: Page, feed: string) => page.locator(`.strip .cell[data-feed="${feed}"]`)
const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id)

describe('the dashboard', () => {
  test('weighs at most 100 KB and is one answer', async () => {
    const { body } = await builtPage()
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(100 * 1024)
    expect(body).not.toMatch(/<link rel="stylesheet|<script src|@import|https?:\/\/(?!www\.w3\.org)/)
  })

  test('has a strip for each feed and a cell for each window, with a colour and a glyph of its own', async () => {
    answers(troubled())
    const page = await openPage()
    const names = await page.locator('.feed h3').allTextContents()
    expect(names).toEqual(['azure-usage', 'seats', 'teams-apps', 'new-feed', 'old-feed', 'profile'])
    const seats = await cells(page, 'seats').evaluateAll((found) =>
      found.map((cell) => ({
        glyph: getComputedStyle(cell, '::before').content.replaceAll('"', ''),
        colour: getComputedStyle(cell).backgroundColor,
      })),
    )
    expect(seats).toHaveLength(24)
    expect(seats.map(({ glyph }) => glyph).filter(Boolean)).toEqual(['×', '×', '×', '≠', '½', '↻', '!', '↓'])
    expect(new Set(seats.map(({ colour }) => colour)).size).toBe(7)
    expect(
      await cells(page, 'new-feed')
        .first()
        .evaluate((cell) => getComputedStyle(cell).backgroundImage),
    ).toContain('gradient')
    expect(await page.locator('.legend li').allTextContents()).toHaveLength(13)
  })

  test('says what needs a person before anything else, and copies a command as it is printed', async () => {
    answers(troubled())
    const page = await openPage()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const top = async (selector: string) => (await page.locator(selector).first().boundingBox())?.y ?? 0
    const places = await Promise.all(['.tiles', '.card', '.workings', '.legend', '.feed'].map(top))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(await page.locator('.card').count()).toBe(5)
    await page.getByText('and 3 more of the same kind').click()
    expect(await page.locator('.card').count()).toBe(8)
    await page.locator('.card .copy').nth(1).click()
    await page.getByText('copied').waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('npx partner-insights-sync feeds push')
  })

  test('that is opened before the app knows its feeds looks again within seconds, and then once a minute', async () => {
    answers(statusAnswer())
    const page = await openPage()
    await page.getByText('The app knows no feeds yet.').waitFor()
    answers(troubled())
    await page.clock.runFor(6_000)
    await page.locator('.feed').first().waitFor({ timeout: 5_000 })
    const { length } = server.asked
    await page.clock.runFor(30_000)
    expect(server.asked).toHaveLength(length)
  })

  test('opens the earlier windows of a feed', async () => {
    answers(troubled())
    const page = await openPage()
    expect(await cells(page, 'teams-apps').count()).toBe(90)
    await page.getByText('earlier: 329 complete, 2 holes').click()
    expect(await cells(page, 'teams-apps').count()).toBe(421)
    expect(await cells(page, 'teams-apps').and(page.locator('.failed')).count()).toBe(3)
  })

  test('shows the detail of a window, asked for with the key, and closes it again', async () => {
    answers(troubled())
    const page = await openPage()
    await cells(page, 'seats').and(page.locator('.failed')).click()
    await page.locator('.panel .figures').waitFor()
    const id = '20261001T000000Z_20261101T000000Z'
    expect(server.asked.at(-1)).toEqual({ path: `status/seats/${id}`, key: KEY })
    expect(await page.locator('.panel .attempts tbody tr').count()).toBe(3)
    expect(await page.locator('.panel').textContent()).toContain('correlation id')
    await page.keyboard.press('Escape')
    expect(await page.locator('.panel').count()).toBe(0)
    expect(await focused(page)).toBe('October 2026: failed')
  })

  test('says of a window that has no entry that nobody asked for it, and asks for nothing', async () => {
    answers(troubled())
    const page = await openPage()
    const before = server.asked.length
    await cells(page, 'new-feed').first().click()
    await page.getByText('Nobody has asked for this window yet.').waitFor()
    expect(server.asked).toHaveLength(before)
  })
})

describe('the keyboard', () => {
  test('leads from feed to feed by Tab, from cell to cell by arrows, into the panel by Enter, and back by Escape', async () => {
    answers(troubled())
    const page = await openPage()
    await cells(page, 'azure-usage').last().focus()
    await page.keyboard.press('ArrowLeft')
    expect(await focused(page)).toContain('October 2026: landed')
    expect(await page.locator('.pointed').first().textContent()).toContain('October 2026: landed')
    await page.keyboard.press('ArrowDown')
    expect(await focused(page)).toBe('October 2026: failed')
    await page.keyboard.press('Home')
    expect(await focused(page)).toContain('December 2024')
    await page.keyboard.press('End')
    expect(await focused(page)).toBe('November 2026: on its way')
    await page.keyboard.press('ArrowUp')
    expect(await focused(page)).toContain('November 2026: still running')
    await page.keyboard.press('Enter')
    expect(await focused(page)).toBe('panel-title')
    await page.locator('.panel .figures').waitFor()
    await page.keyboard.press('ArrowLeft')
    expect(await page.locator('#panel-title').textContent()).toBe('October 2026')
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('#panel-title').textContent()).toBe('November 2026')
    await page.keyboard.press('Escape')
    expect(await focused(page)).toContain('November 2026: still running')
  })

  test('finds one stop in each strip, the cell where it was last', async () => {
    answers(troubled())
    const page = await openPage()
    await cells(page, 'azure-usage').nth(3).focus()
    const stops = await page
      .locator('.strip .cell[tabindex="0"]')
      .evaluateAll((found) => found.map((cell) => cell.getAttribute('data-feed')))
    expect(stops).toEqual(['azure-usage', 'seats', 'teams-apps', 'new-feed', 'old-feed', 'profile'])
    expect(await cells(page, 'azure-usage').nth(3).getAttribute('tabindex')).toBe('0')
  })
})

describe('a refresh', () => {
  test('changes only what changed, and keeps the focus and what is unfolded', async () => {
    answers(troubled())
    const page = await openPage()
    await page.locator('.notes summary').first().click()
    await cells(page, 'seats').nth(5).focus()
    await page.evaluate(() => {
      const changes: string[] = []
      Object.assign(window, { changes })
      new MutationObserver((records) => {
        for (const { type, target } of records) {
          const element = target instanceof Element ? target : target.parentElement
          changes.push(`${type} ${element?.closest('[class]')?.className}`)
        }
      }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
    })
    const before = troubled()
    const feeds = before.feeds.map((feed) =>
      feed.name === 'seats' ? { ...feed, windows: marked(feed.windows, { 1: 'landed' }) } : feed,
    )
    answers({ ...before, feeds })
    const asked = server.asked.length
    await page.clock.runFor(65_000)
    await page.getByLabel('November 2026: landed', { exact: true }).waitFor()
    expect(server.asked.length).toBe(asked + 1)
    expect(await focused(page)).toContain('May 2025')
    expect(await page.locator('.notes').first().getAttribute('open')).not.toBeNull()
    const changes = await page.evaluate(() => (window as unknown as { changes: string[] }).changes)
    const outside = changes.filter(
      (change) => !/^characterData|pointed|cell (coming|landed)|^childList workings/.test(change),
    )
    expect(outside).toEqual([])
    expect(changes.some((change) => change.includes('cell landed'))).toBe(true)
  })

  test('that fails says so on top, greys the page and keeps its age; the next one that works takes that back', async () => {
    answers(fine())
    const page = await openPage()
    reply = () => ({
      status: 503,
      body: { status: 'storage', remedy: 'The storage account does not answer; see the log.' },
    })
    await page.clock.runFor(65_000)
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toContain(
      'The app answers 503. The storage account does not answer; see the log. What you see is from 14:32 UTC.',
    )
    expect(await page.locator('main').evaluate((main) => getComputedStyle(main).filter)).toBe('grayscale(1)')
    expect(await page.locator('.age').textContent()).toContain('1 min ago')
    answers(fine())
    await page.getByText('try now').click()
    await page.getByRole('alert').waitFor({ state: 'detached' })
    expect(await page.locator('main').evaluate((main) => getComputedStyle(main).filter)).toBe('none')
  })

  test('that is no answer at all is told as well', async () => {
    answers(fine())
    const page = await openPage()
    await server.close()
    await page.clock.runFor(65_000)
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toContain('The app does not answer')
  })

  test('of an app that has another form asks to load the page anew', async () => {
    answers({ ...fine(), v: 2 })
    const page = await openPage()
    expect(await page.getByRole('alert').textContent()).toContain('load this page anew')
  })
})

describe('the key', () => {
  test('leaves the address, is in no other, and stays in the tab', async () => {
    answers(fine())
    const page = await openPage()
    expect(page.url()).toBe(`${server.origin}/api/dashboard`)
    await page.reload()
    await page.locator('.tiles').waitFor()
    expect(server.asked.map(({ key }) => key)).toEqual([KEY, KEY])
    expect(server.asked.filter(({ path }) => path.includes(KEY))).toEqual([])
    const other = await page.context().newPage()
    await other.goto(`${server.origin}/api/dashboard`)
    await other.getByText('The app wants a function key.').waitFor()
  })

  test('that is wrong can be given anew', async () => {
    answers(fine())
    const page = await openPage({}, `${server.origin}/api/dashboard#wrong`)
    expect(await page.getByRole('alert').textContent()).toContain('The app refuses the key.')
    await page.getByLabel('Function key').fill(KEY)
    await page.keyboard.press('Enter')
    await page.locator('.tiles').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  })
})

describe('what comes from outside', () => {
  const MARKUP = '<img src=x onerror="hacked=1"><script>hacked=1</script>&lt;b&gt;'

  /** Every text of an answer, but for ids, words and instants, becomes markup. */
  function withMarkup<T>(value: T): T {
    if (typeof value === 'string') return (/^[\d.TZ:_-]+$|^[a-z-]+$/.test(value) ? value : `${value}${MARKUP}`) as T
    if (Array.isArray(value)) return value.map(withMarkup) as T
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withMarkup(each)])) as T
  }

  test('stays text: names of feeds, messages, remedies, commands, cells and what a failed answer says', async () => {
    const status = withMarkup(troubled())
    const feeds = status.feeds.map((feed) => ({ ...feed, name: `${feed.name}${MARKUP}` }))
    const detail = { ...withMarkup(windowAnswer('seats', '20261001T000000Z_20261101T000000Z')), v: 1 }
    reply = (path) => ({ body: path === 'status' ? { ...status, feeds } : detail })
    const page = await openPage()
    await page.locator('.strip .failed').first().click()
    await page.locator('.panel .figures').waitFor()
    for (const selector of ['.feed h3', '.card', '.notes', '.panel .sentence', '.panel .attempts', '.panel h2 + p'])
      expect(await page.locator(selector).first().textContent()).toContain('<img src=x onerror=')
    reply = () => ({ status: 500, body: { remedy: MARKUP } })
    await page.clock.runFor(65_000)
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toContain(MARKUP)
    expect(await page.locator('#page :is(img, script, b, iframe)').count()).toBe(0)
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false)
  })

  test('could not run as a script either, nor bring anything from another host, nor put the page in a frame', async () => {
    answers(fine())
    const page = await openPage()
    const refused = await page.evaluate(async (origin) => {
      const seen: string[] = []
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => seen.push(effectiveDirective))
      const script = document.createElement('script')
      const tries = [
        () => document.body.append(Object.assign(script, { textContent: 'hacked=1' })),
        () => document.body.insertAdjacentHTML('beforeend', '<p>'),
        () => document.body.setAttribute('style', 'color: red'),
      ]
      for (const attempt of tries) {
        try {
          attempt()
        } catch {
          seen.push('thrown')
        }
      }
      await fetch(origin).catch(() => seen.push('fetch'))
      return [...new Set(seen)].sort()
    }, 'http://127.0.0.1:1/')
    expect(refused).toEqual(expect.arrayContaining(['fetch', 'thrown']))
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false)
    expect(await page.evaluate(() => getComputedStyle(document.body).color)).not.toBe('rgb(255, 0, 0)')
    const outer = await page.context().newPage()
    await outer.goto(`${server.origin}/nothing`)
    await outer.setContent(`<iframe src="${server.origin}/api/dashboard"></iframe>`)
    await outer.waitForLoadState('load')
    expect(await outer.frames()[1]?.content()).not.toContain('id="page"')
  })

  test('asks for nothing but its own address and the status', async () => {
    answers(troubled())
    const asked: string[] = []
    const context = await opened.browser.newContext()
    const page = await context.newPage()
    page.on('request', (request) => asked.push(request.url()))
    const problems: string[] = []
    page.on('console', (message) => problems.push(message.text()))
    page.on('pageerror', ({ message }) => problems.push(message))
    await page.goto(server.address)
    await page.locator('.tiles').waitFor()
    const ours = asked.filter((url) => !url.startsWith('data:')).map((url) => url.split('#')[0])
    expect(ours).toEqual([`${server.origin}/api/dashboard`, `${server.origin}/api/status`])
    expect(problems).toEqual([])
  })
})

describe('on a phone', () => {
  test('strips fold into rows of twelve months and thirty days, and nothing is wider than the screen', async () => {
    answers(troubled())
    const page = await openPage(PHONE)
    const rowsOf = async (feed: string) => {
      const tops = await cells(page, feed).evaluateAll((found) =>
        found.map((cell) => Math.round(cell.getBoundingClientRect().top)),
      )
      return [...new Set(tops)].map((top) => tops.filter((each) => each === top).length)
    }
    expect(await rowsOf('seats')).toEqual([12, 12])
    expect(await rowsOf('teams-apps')).toEqual([30, 30, 30])
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0)
  })

  test('the panel covers the page and keeps the focus', async () => {
    answers(troubled())
    const page = await openPage(PHONE)
    await cells(page, 'seats').and(page.locator('.failed')).click()
    await page.locator('.panel .figures').waitFor()
    const box = await page.locator('.panel').boundingBox()
    expect([box?.x, box?.width]).toEqual([0, 390])
    expect(await page.locator('main').getAttribute('inert')).not.toBeNull()
    await page.getByLabel('close', { exact: true }).click()
    expect(await page.locator('main').getAttribute('inert')).toBeNull()
  })
})

test('dark follows the system, and what is printed is light and has no buttons', async () => {
  answers(troubled())
  const page = await openPage({ colorScheme: 'dark' })
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  expect(await ground()).toBe('rgb(20, 22, 26)')
  await page.emulateMedia({ colorScheme: 'light' })
  expect(await ground()).toBe('rgb(251, 251, 249)')
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  expect(await ground()).toBe('rgb(251, 251, 249)')
  expect(await page.locator('.copy').first().isVisible()).toBe(false)
})

test('nothing moves for those who want no motion', async () => {
  answers(troubled())
  const page = await openPage()
  await cells(page, 'seats').last().click()
  const animation = () => page.locator('.panel').evaluate((panel) => getComputedStyle(panel).animationName)
  expect(await animation()).toBe('none')
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  expect(await animation()).toBe('in')
})

describe('axe finds nothing', () => {
  const empty = () => statusAnswer({ accounts: [account('default')] })
  const unfolded = statusAnswer({ feeds: [feedAnswer('usage', { windows: landed('2026-12-01T00:00:00Z', 60) })] })

  async function faults(page: Page): Promise<readonly string[]> {
    await page.evaluate(axe.source)
    const { violations, incomplete } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run())
    const unsure = incomplete.filter(({ id }) => id !== 'color-contrast')
    return [...violations, ...unsure].flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
  }

  test.each([
    ['everything fine', fine, {}],
    ['several failures', troubled, {}],
    ['several failures, dark', troubled, { colorScheme: 'dark' }],
    ['several failures on a phone', troubled, PHONE],
    ['no feeds yet', empty, {}],
    ['a long history', () => unfolded, {}],
  ] as const)('with %s', async (_, status, options) => {
    answers(status())
    expect(await faults(await openPage(options))).toEqual([])
  })

  test.each([{}, { colorScheme: 'dark' }, PHONE] as const)('in the panel, with %o', async (options) => {
    answers(troubled())
    const page = await openPage(options)
    await cells(page, 'seats').and(page.locator('.failed')).click()
    await page.locator('.panel .figures').waitFor()
    expect(await faults(page)).toEqual([])
  })

  test('with an answer that fails, and with a key that is refused', async () => {
    answers(troubled())
    const page = await openPage()
    reply = () => ({ status: 503 })
    await page.clock.runFor(65_000)
    await page.getByRole('alert').waitFor()
    expect(await faults(page)).toEqual([])
    expect(await faults(await openPage({}, `${server.origin}/api/dashboard#wrong`))).toEqual([])
  })
})
