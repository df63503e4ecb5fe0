import type { FileBlocks, PublishedFile, PublishedFiles } from '../../src/services/storage/published-files.ts'
import type { Pass, StoredBlob } from './store.ts'

type Block = { readonly id: string; readonly bytes: Buffer }

/** Blobs are never changed in place here: each commit makes another one, under an ETag of its own. */
type StoredFile = StoredBlob & { readonly etag: string; readonly changedAt: Date; readonly blocks: readonly Block[] }

/** The container `published`. Blocks that are part of no file yet have their own map, by the name of the file. */
export type FilesState = Map<string, StoredFile> & {
  readonly staged: Map<string, readonly Block[]>
  readonly groupValues: number
}

export const emptyFiles = (groupValues: number): FilesState =>
  Object.assign(new Map<string, StoredFile>(), { staged: new Map(), groupValues })

export function copyOfFiles(state: FilesState): FilesState {
  return Object.assign(new Map(state), { staged: new Map(state.staged), groupValues: state.groupValues })
}

let commits = 0

export function openMemoryFiles(state: FilesState, pass: Pass, clock: () => Date): PublishedFiles {
  return {
    groupValues: state.groupValues,
    create: () => pass('files.create', async () => undefined),
    find: (name) => pass('files.properties', async () => shown(state.get(name))),
    read: ({ name, etag }, from, to) =>
      pass('files.range', async () => {
        const file = standing(state, name)
        if (file.etag !== etag) throw refused(`file ${name} is another`, 412)
        return file.bytes.subarray(from, to)
      }),
    blocks: (name) => pass('files.blocks', async () => standing(state, name).blocks.map(({ id }) => id)),
    stage: (name, id, bytes) =>
      pass('files.stage', async () => {
        const others = (state.staged.get(name) ?? []).filter((block) => block.id !== id)
        state.staged.set(name, [...others, { id, bytes: Buffer.from(bytes) }])
      }),
    commit: (name, blocks, etag) => pass('files.commit', async () => commit(state, name, blocks, etag, clock())),
    remove: (name, etag) =>
      pass('files.delete', async () => {
        const file = state.get(name)
        if (file && etag !== undefined && file.etag !== etag) return false
        state.delete(name)
        return true
      }),
    async *list(folder) {
      const names = await pass('files.list', async () =>
        [...state.keys()].filter((name) => name.startsWith(folder)).sort(),
      )
      for (const name of names) {
        const file = shown(state.get(name))
        if (file) yield file
      }
    },
  }
}

const refused = (message: string, statusCode: number) => Object.assign(new Error(message), { statusCode })

function standing(state: FilesState, name: string): StoredFile {
  const file = state.get(name)
  if (!file) throw refused(`file ${name} is missing`, 404)
  return file
}

function shown(file: StoredFile | undefined): PublishedFile | undefined {
  if (!file) return undefined
  const { name, bytes, etag, changedAt, metadata } = file
  return { name, bytes: bytes.length, etag, changedAt, metadata }
}

/** A commit takes the blocks that it names, and the others that were sent are gone. */
function commit(
  state: FilesState,
  name: string,
  { ids, metadata = {} }: FileBlocks,
  etag: string | undefined,
  changedAt: Date,
): boolean {
  const before = state.get(name)
  if (before?.etag !== etag) return false
  const sent = [...(before?.blocks ?? []), ...(state.staged.get(name) ?? [])]
  const blocks = ids.map((id) => sent.findLast((block) => block.id === id))
  if (!blocks.every((block) => block !== undefined)) return false
  state.staged.delete(name)
  const bytes = Buffer.concat(blocks.map((block) => block.bytes))
  const contentType = 'application/vnd.apache.parquet'
  state.set(name, { name, bytes, metadata, contentType, blocks, etag: `commit ${++commits}`, changedAt })
  return true
}
