/** `npm run picture`: makes docs/dashboard.png from the app, the simulator and Azurite on this machine. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openApp } from '../src/app/app.ts'
import { readSettings } from '../src/settings/settings.ts'
import { openBrowser } from './browser.ts'
import { build } from './build.ts'
import { plantEveryState, shownFeeds } from './every-state.ts'
import { freePorts, waitUntil } from './processes.ts'
import { startStack } from './start/stack.ts'
import { isSettled } from './start/summary.ts'

const ROOT = join(import.meta.dirname, '..')

/** A busy machine needs a while for a year of reports. */
const LANDING_MS = 600_000

/** Wide enough for the strips, and so small that the file is light. */
const SIZE = { width: 1100, height: 860 }

const folder = await mkdtemp(join(tmpdir(), 'picture-'))
const [port = 0] = await freePorts(1)
const text = JSON.stringify(shownFeeds(new Date(), { months: 6, days: 24 }))
await build()
const feeds = { text, files: new Map<string, Buffer>() }
const stack = await startStack({ root: ROOT, folder, port, feeds, ownFeeds: true, onLine: () => undefined })
try {
  await waitUntil('every window has landed', hasLanded, LANDING_MS)
  const settings = readSettings(stack.environment)
  if ('problems' in settings) throw new Error(settings.problems.join('; '))
  await plantEveryState(
    openApp(settings, '')(() => undefined),
    'AppId',
  )
  await takePicture(`http://127.0.0.1:${port}/api/dashboard#${stack.environment.LOCAL_FUNCTION_KEY}`)
  console.log('docs/dashboard.png is made')
} finally {
  await stack.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exit()

async function hasLanded(): Promise<boolean> {
  const status = await stack.status()
  return status.feeds.length > 0 && isSettled(status)
}

async function takePicture(address: string): Promise<void> {
  const { browser, close } = await openBrowser()
  try {
    const page = await browser.newPage({ viewport: SIZE, colorScheme: 'light', reducedMotion: 'reduce' })
    await page.goto(address)
    await page.locator('.card').first().waitFor()
    await page.screenshot({ path: join(ROOT, 'docs/dashboard.png'), fullPage: true })
  } finally {
    await close()
  }
}
