import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import type { World } from '../setup/world.ts'
import { FEED, fileOf, landedWorld } from '../steps/one-window.ts'
import { PROJECT, section, textOf } from './page.ts'

const PAGE = section(textOf('docs/reading-the-data.md'), '### DuckDB')

/** The one example of the section in a language. */
function exampleIn(language: string): string {
  const examples = Array.from(
    PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms')),
    ([, text = '']) => text,
  )
  expect(examples).toHaveLength(1)
  return examples[0] ?? ''
}

/** Puts every file of the container into a folder, as `az storage blob download-batch` does. */
async function download({ published }: World, folder: string): Promise<void> {
  for await (const { name } of published.listBlobsFlat()) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await published.getBlobClient(name).downloadToFile(path)
  }
}

it('the DuckDB example of the page reads files that were downloaded', async () => {
  const feed = { ...FEED, table: 'AzureUsage', publish: ['table', 'parquet'] }
  const world = await landedWorld(fileOf(['Contoso', 'Adatum', 'Contoso']), feed)
  const folder = await mkdtemp(join(tmpdir(), 'read-parquet-'))
  await download(world, folder)
  await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'read.mts'), exampleIn('ts'))
  const { stdout } = await promisify(execFile)(process.execPath, ['read.mts'], { cwd: folder })
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { CustomerName: 'Contoso', quantity: 2 },
    { CustomerName: 'Adatum', quantity: 1 },
  ])
})

it('the statement of the page is the same in every language', () => {
  expect(exampleIn('ts')).toContain(exampleIn('sql'))
})
