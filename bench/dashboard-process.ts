import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { openBrowser } from '../local/browser.ts'
import type { Rendered, Shown } from './dashboard.ts'

async function render({ page: html, status, cells, times }: Shown): Promise<readonly number[]> {
  const server = createServer(({ url }, response) => {
    if (url === '/dashboard') response.setHeader('content-type', 'text/html').end(html)
    else response.setHeader('content-type', 'application/json').end(status)
  }).listen(0, '127.0.0.1')
  const { browser, close } = await openBrowser()
  try {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dashboard`
    const ms: number[] = []
    for (let time = 0; time < times; time++) {
      const tab = await browser.newPage()
      ms.push(await renderOnce(tab, address, cells))
      await tab.close()
    }
    return ms
  } finally {
    await close()
    server.close()
  }
}

/** From the end of the answer until the feeds are painted, in milliseconds. */
async function renderOnce(tab: Page, address: string, cells: number): Promise<number> {
  await tab.addInitScript(() => {
    const paint = () => requestAnimationFrame(() => requestAnimationFrame(() => performance.mark('painted')))
    new MutationObserver((_, observer) => {
      if (!document.querySelector('.feed')) return
      observer.disconnect()
      paint()
    }).observe(document, { subtree: true, childList: true })
  })
  await tab.goto(address)
  await tab.waitForFunction(() => performance.getEntriesByName('painted').length > 0)
  const { ms, found } = await tab.evaluate(() => {
    const [asked] = performance.getEntriesByName(new URL('status', location.href).href)
    const answered = asked instanceof PerformanceResourceTiming ? asked.responseEnd : Number.NaN
    const painted = performance.getEntriesByName('painted')[0]?.startTime ?? Number.NaN
    return { ms: painted - answered, found: document.querySelectorAll('.strip .cell').length }
  })
  if (found !== cells) throw new Error(`the dashboard of the bench has ${found} cells, not ${cells}`)
  return ms
}

process.once('message', async (shown: Shown) => {
  const said: Rendered = await render(shown).then(
    (ms) => ({ ms }),
    (error) => ({ error: error instanceof Error ? error.message : String(error) }),
  )
  process.send?.(said)
  process.disconnect()
})
process.channel?.ref()
