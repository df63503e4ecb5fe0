import { readFile } from 'node:fs/promises'
import { createParser } from '../../src/core/report/parse.ts'
import systemQueries from '../simulator/system-queries.json' with { type: 'json' }

/** No header line of a report is longer. */
const HEADER_LENGTH = 1024 * 1024

/** The feeds of a run as text, and which file the simulator serves for which query. */
export type RunFeeds = { readonly text: string; readonly files: ReadonlyMap<string, Buffer> }

/**
 * Points each feed of `reportFiles` at a query of its own, for which the simulator serves the file; its columns are the
 * file's header, all text. Throws where a file or a feed is not there.
 */
export async function withReportFiles(text: string, reportFiles: ReadonlyMap<string, string>): Promise<RunFeeds> {
  if (reportFiles.size === 0) return { text, files: new Map() }
  const parsed = JSON.parse(text) as { feeds: Record<string, unknown>[] }
  const files = new Map<string, Buffer>()
  for (const [name, path] of reportFiles) {
    const index = parsed.feeds.findIndex((feed) => feed.name === name)
    if (index === -1) throw new Error(`--report-file ${name}: no feed of that name in feeds.json`)
    const bytes = await readFile(path)
    const queryId = systemQueries[files.size]?.queryId
    if (queryId === undefined) throw new Error(`--report-file: at most ${systemQueries.length} feeds can serve a file`)
    files.set(queryId, bytes)
    parsed.feeds[index] = fed(parsed.feeds[index] ?? {}, queryId, headerOf(bytes, path))
  }
  return { text: JSON.stringify(parsed), files }
}

function fed(feed: Record<string, unknown>, queryId: string, header: readonly string[]): Record<string, unknown> {
  const { columns: _, query: __, where: ___, distinct: ____, ...kept } = feed
  return { ...kept, queryId, types: Object.fromEntries(header.map((column) => [column, 'string'])) }
}

function headerOf(bytes: Buffer, path: string): readonly string[] {
  const parser = createParser({ delimiter: ',', maxRecordLength: HEADER_LENGTH })
  const text = bytes.subarray(0, HEADER_LENGTH).toString('utf8')
  const [header] = [...parser.push(text), ...parser.end()]
  if (!header) throw new Error(`--report-file: ${path} has no header line`)
  return header.fields
}
