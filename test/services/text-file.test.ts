import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openApp } from '../../src/app/app.ts'
import { readText } from '../../src/services/text-file.ts'
import { testSettings } from '../setup/settings.ts'

it('a text file is read without the byte order mark before it, and with one inside it', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'text-')), 'feeds.json')
  for (const text of ['{"a":"\uFEFFZoë"}', '']) {
    for (const mark of ['', '\uFEFF']) {
      await writeFile(file, mark + text)
      expect(await readText(file)).toBe(text)
      const { packagedFeeds } = openApp(testSettings(), file)(() => undefined)
      expect(await packagedFeeds()).toBe(text)
    }
  }
  await expect(readText(`${file}.none`)).rejects.toThrow(/ENOENT/)
})
