import type { RowGroup } from '../../core/report/row-group.ts'
import { createEncoder, type FileContent } from '../parquet/encode.ts'
import { openParquet, type Parquet } from '../parquet/parquet.ts'
import { blockId } from './blocks.ts'
import type { PublishedFile, PublishedFiles } from './published-files.ts'

/** A file that nobody reads yet, as it was under an ETag. */
export type StagedFile = { readonly file: PublishedFile; readonly parquet: Parquet }

/** Opens a staged file; undefined where there is none. One that was not written from `content` is removed. */
export async function openStaged(
  files: PublishedFiles,
  name: string,
  content: FileContent,
): Promise<StagedFile | undefined> {
  const file = await files.find(name)
  if (!file) return undefined
  const slice = async (from: number, to = file.bytes) => {
    const bytes = await files.read(file, from, to)
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  }
  const parquet = await openParquet({ byteLength: file.bytes, slice })
  if (parquet && isWrittenFrom(content, file, parquet)) return { file, parquet }
  await files.remove(name, file.etag)
  return undefined
}

function isWrittenFrom({ columns, about }: FileContent, file: PublishedFile, { metadata }: Parquet): boolean {
  const names = metadata.schema.slice(1).map(({ name }) => name)
  const isSame = names.length === columns.length && columns.every(({ name }, index) => name === names[index])
  return isSame && Object.entries(about).every(([name, value]) => file.metadata[name] === value)
}

/** Writes a staged file, or goes on with it. */
export type StagedWriter = {
  add(group: RowGroup): Promise<void>
  /**
   * Ends the file for now: `next` is the record that its next row group begins with, absent where it is complete. False where
   * somebody else wrote it meanwhile.
   */
  commit(next?: number): Promise<boolean>
}

/** `nonce` keeps the blocks of two writers apart. */
export async function writeStaged(
  files: PublishedFiles,
  name: string,
  content: FileContent & { readonly nonce: string },
  earlier: StagedFile | undefined,
): Promise<StagedWriter> {
  const encoder = createEncoder(content, earlier?.parquet)
  // The last block is the footer, which what follows takes the place of.
  const ids = earlier ? (await files.blocks(name)).slice(0, -1) : []
  const stage = async (bytes: Uint8Array) => {
    const id = blockId(content.nonce, ids.length)
    await files.stage(name, id, bytes)
    ids.push(id)
  }
  return {
    add: (group) => stage(encoder.rowGroup(group)),
    async commit(next) {
      await stage(encoder.footer(next))
      if (await files.commit(name, { ids, metadata: content.about }, earlier?.file.etag)) return true
      // A commit whose answer is lost is sent again, and meets a conflict with itself.
      return (await files.blocks(name)).at(-1) === ids.at(-1)
    },
  }
}
