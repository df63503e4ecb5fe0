import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { withReportFiles } from '../../local/start/report-files.ts'

const FEEDS = JSON.stringify({ feeds: [{ name: 'costs', dataset: 'AzureUsage' }] })

it.each([
  ['commas', Buffer.from('Month,Cost\r\n2025-05-01,1\r\n')],
  ['tabs', Buffer.from('Month\tCost\r\n2025-05-01\t1\r\n')],
  ['a byte order mark', Buffer.from('\uFEFFMonth,Cost\n')],
  ['gzip', gzipSync('Month,Cost\n2025-05-01,1\n')],
])('a feed of a report file has the columns of its header, all as text: %s', async (_, bytes) => {
  const file = join(await mkdtemp(join(tmpdir(), 'report-')), 'report')
  await writeFile(file, bytes)
  const { text, files } = await withReportFiles(FEEDS, 'feeds.json', new Map([['costs', file]]))
  expect(JSON.parse(text).feeds[0].types).toEqual({ Month: 'string', Cost: 'string' })
  expect([...files.values()]).toEqual([bytes])
})
