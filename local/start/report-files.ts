/** `--report-file`: feeds whose reports are files of the user. */

import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { delimiterOf } from '../../src/core/report/delimiter.ts'
import { createParser } from '../../src/core/report/parse.ts'
import { isGzip } from '../../src/services/gzip.ts'
import { isMissing } from '../../src/services/text-file.ts'
import systemQueries from '../simulator/system-queries.json' with { type: 'json' }

/** No header line of a report is longer. */
const HEADER_LENGTH = 1024 * 1024

/** The text of a run's feeds.json, and the files that the simulator serves, by queryId. */
export type RunFeeds = { readonly text: string; readonly files: ReadonlyMap<string, Buffer> }

/**
 * Gives each feed of `reportFiles` a query of its own, for which the simulator serves the file. Its columns are those of the
 * file's header, all text. `feedsFile` is the name of the file with the feeds. Throws when there is no such file or feed.
 */
export async function withReportFiles(
  text: string,
  feedsFile: string,
  reportFiles: ReadonlyMap<string, string>,
): Promise<RunFeeds> {
  if (reportFiles.size === 0) return { text, files: new Map() }
  const parsed = JSON.parse(text) as { feeds: Record<string, unknown>[] }
  const files = new Map<string, Buffer>()
  for (const [name, path] of reportFiles) {
    const index = parsed.feeds.findIndex((feed) => feed.name === name)
    if (index === -1) throw new Error(`--report-file ${name}: no feed of that name in ${feedsFile}`)
    const bytes = await readFile(path).catch((error) => {
      throw isMissing(error) ? new Error(`--report-file ${name}: ${path} does not exist`) : error
    })
    const queryId = systemQueries[files.size]?.queryId
    if (queryId === undefined) throw new Error(`--report-file: at most ${systemQueries.length} feeds can serve a file`)
    files.set(queryId, bytes)
    const { columns, query, where, distinct, ...kept } = parsed.feeds[index] ?? {}
    const types = Object.fromEntries(headerOf(bytes, path).map((column) => [column, 'string']))
    parsed.feeds[index] = { ...kept, queryId, types }
  }
  return { text: JSON.stringify(parsed), files }
}

function headerOf(bytes: Buffer, path: string): readonly string[] {
  const plain = isGzip(bytes) ? gunzipSync(bytes) : bytes
  const text = plain.subarray(0, HEADER_LENGTH).toString('utf8')
  const parser = createParser({ delimiter: delimiterOf(text) ?? ',', maxRecordLength: HEADER_LENGTH })
  const [header] = [...parser.push(text), ...parser.end()]
  if (!header) throw new Error(`--report-file: ${path} has no header line`)
  return header.fields
}
