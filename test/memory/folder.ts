import { parquetReadObjects } from 'hyparquet'
import type { LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { STAGING } from '../../src/core/ledger/published-file.ts'
import { FEED } from './deployment.ts'
import type { MemoryStore } from './memory-store.ts'
import { byText, type StoredBlob, type StoredRow } from './store.ts'

/** What stands at one moment: between two calls of all instances. */
type Moment = { readonly entry: LedgerEntry | undefined; readonly files: readonly StoredBlob[] }

/** Notes after every call what a reader of the folder sees, who never asks the ledger. */
export type Folder = {
  note(store: MemoryStore): void
  /**
   * Gives in their order what readers saw: no file, or the name that `landings` has for its rows. Anything else is a word of
   * what is wrong, which must never be: `torn`, `unpublished`, `older` and `not the landed one`.
   */
  seen(landings: ReadonlyMap<string, string>): Promise<readonly string[]>
}

export function createFolder(): Folder {
  const moments: Moment[] = []
  return {
    note(store) {
      const [entry] = store.lookAtEntries(FEED.name)
      const files = [...store.lookAtFiles().values()].filter(({ name }) => !name.startsWith(STAGING))
      const last = moments.at(-1)
      const isSame = last?.files.length === files.length && last.files.every((file, nth) => file === files[nth])
      if (isSame && last.entry === entry) return
      moments.push({ entry, files })
    },
    async seen(landings) {
      const seen: string[] = []
      const published = new Set<string | undefined>()
      let newest = 0
      for (const { entry, files } of moments) {
        published.add(entry?.figures?.generation)
        const [file] = files
        const attempt = Number(file?.metadata.attempt ?? newest)
        const what = files.length > 1 ? 'torn' : await contentName(file, landings)
        const isOld = attempt < newest || (newest > 0 && !file)
        newest = Math.max(newest, attempt)
        const word = isOld ? 'older' : file && !published.has(file.metadata.generation) ? 'unpublished' : what
        const last = isLate(entry, file) ? 'not the landed one' : word
        if (seen.at(-1) !== last) seen.push(last)
      }
      return seen
    },
  }
}

/** Once nothing is owed, the file is that of the landing. */
function isLate(entry: LedgerEntry | undefined, file: StoredBlob | undefined): boolean {
  const { figures, owed } = entry ?? {}
  return figures?.file !== undefined && !owed && file?.metadata.generation !== figures.generation
}

const NAMES = new WeakMap<StoredBlob, Promise<string>>()

async function contentName(file: StoredBlob | undefined, landings: ReadonlyMap<string, string>): Promise<string> {
  if (!file) return 'none'
  const content = NAMES.get(file) ?? rowsOfFile(file.bytes).then(contentOfFile, () => 'no file')
  NAMES.set(file, content)
  return landings.get(await content) ?? 'torn'
}

/** The rows of a Parquet file, with what they do not have left out, as the table does. */
export async function rowsOfFile(bytes: Buffer): Promise<readonly StoredRow[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  const rows = await parquetReadObjects({ file })
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)))
}

/** The rows of a landing cell for cell, in the order of the report, without what another landing of it has otherwise. */
export function contentOfFile(rows: readonly StoredRow[]): string {
  return JSON.stringify(
    rows.map(({ _attempt, _reportId, ...row }) => Object.entries(row).sort(byText(([name]) => name))),
  )
}

/** The same of rows as they stand in the table. */
export function contentOfTable(rows: readonly StoredRow[]): string {
  return contentOfFile(rows.toSorted(byText(({ RowKey }) => String(RowKey))).map(cellsOf))
}

function cellsOf({ PartitionKey: _, RowKey: __, ...row }: StoredRow): StoredRow {
  const names = Object.keys(row).filter((name) => !name.endsWith('@odata.type'))
  return Object.fromEntries(names.map((name) => [name, cellOf(row[name], row[`${name}@odata.type`])]))
}

const cellOf = (value: unknown, type: unknown) => (type === 'Edm.DateTime' ? new Date(String(value)) : value)
