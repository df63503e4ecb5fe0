import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Chromium from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'

export type OpenBrowser = { readonly browser: Browser; close(): Promise<void> }

/** Starts the Chromium of the package, unpacked into a folder of its own: it would take whatever lies in the common one. */
export async function openBrowser(): Promise<OpenBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'chromium-'))
  Chromium.setGraphicsMode = false
  const { TMPDIR } = process.env
  process.env.TMPDIR = folder
  try {
    const executablePath = await Chromium.executablePath()
    const browser = await chromium.launch({
      executablePath,
      chromiumSandbox: false,
      args: ['--disable-background-networking'],
    })
    return {
      browser,
      close: async () => {
        await browser.close()
        await rm(folder, { recursive: true, force: true })
      },
    }
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
}
