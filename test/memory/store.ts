import type { Services } from '../../src/steps/services.ts'
import type { Receive } from '../setup/queue.ts'

/** Every call of an instance to the outside goes through this: it may be counted, delayed, or never return. */
export type Pass = <T>(name: string, effect: () => Promise<T>) => Promise<T>

export const unhindered: Pass = (_, effect) => effect()

export type StoreServices = Pick<Services, 'ledger' | 'archive' | 'publishedFiles' | 'queue' | 'landingTable'>

/** The members of a row as they are on the wire, types included. */
export type StoredRow = Readonly<Record<string, unknown>>

export type StoredBlob = {
  readonly name: string
  readonly bytes: Buffer
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType: string
}

/** One storage account, which outlives every instance that works on it. */
export type Store = {
  /** The account as one instance sees it. */
  open(pass: Pass): StoreServices
  /** The rows of a landing table in the order of their keys; none when the table does not exist. */
  rows(table: string): Promise<readonly StoredRow[]>
  /** The blobs of the archive in the order of their names. */
  blobs(): Promise<readonly StoredBlob[]>
  /** The files of the container `published` in the order of their names. */
  files(): Promise<readonly StoredBlob[]>
  /** Takes a visible message of the queue `ingest`, as the host does. */
  readonly receive: Receive
}

/** The order of keys in Table and Blob Storage: by code unit. */
export function byText<T>(text: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (text(a) < text(b) ? -1 : Number(text(a) > text(b)))
}
