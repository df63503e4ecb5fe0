import type { TableClient, TableEntityResult, TransactionAction } from '@azure/data-tables'
import type { LedgerRow } from '../../core/ledger/ledger-row.ts'
import { splitTexts } from '../../core/ledger/long-texts.ts'
import { statusOf } from './errors.ts'
import type { Stored } from './ledger.ts'

export type Keys = { readonly partitionKey: string; readonly rowKey: string }

export type Row = TableEntityResult<Record<string, unknown>>

export async function readRow(client: TableClient, partitionKey: string, rowKey: string): Promise<Row | undefined> {
  try {
    return await client.getEntity<Record<string, unknown>>(partitionKey, rowKey)
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** Writes the row of a value. Undefined where the row is no longer the one that was read. */
export async function writeRow<T>(
  client: TableClient,
  value: T,
  row: LedgerRow,
  keys: Keys,
  etag: string | undefined,
): Promise<Stored<T> | undefined> {
  const entity = { ...splitTexts(row), ...keys }
  try {
    const answer = etag
      ? await client.updateEntity(entity, 'Replace', { etag })
      : await client.createEntity<LedgerRow>(entity)
    return answer.etag === undefined ? undefined : { value, etag: answer.etag }
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

/** False where the row is no longer the one that was read. */
export async function deleteRow(client: TableClient, { partitionKey, rowKey }: Keys, etag: string): Promise<boolean> {
  try {
    await client.deleteEntity(partitionKey, rowKey, { etag })
    return true
  } catch (error) {
    if (isConflict(error)) return false
    throw error
  }
}

/** The part of a transaction that writes a row as `writeRow` does. */
export function writing(row: LedgerRow, keys: Keys, etag: string | undefined): TransactionAction {
  const entity = { ...splitTexts(row), ...keys }
  return etag ? ['update', entity, 'Replace', { etag }] : ['create', entity]
}

/** Sends an entity group transaction: all of it, or none. Gives the new ETags, or undefined where a row has changed. */
export async function transact(
  client: TableClient,
  actions: readonly TransactionAction[],
): Promise<readonly (string | undefined)[] | undefined> {
  try {
    const { subResponses } = await client.submitTransaction([...actions])
    return subResponses.map(({ etag }) => etag)
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

/** The row is there already, is another version, or is gone. */
function isConflict(error: unknown): boolean {
  const status = statusOf(error)
  return status === 409 || status === 412 || status === 404
}
