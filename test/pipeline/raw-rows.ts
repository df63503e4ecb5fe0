import { createDefaultHttpClient, createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline'
import type { TableClient } from '@azure/data-tables'

/** A row as the service answers it, with every type that it states. */
export type RawRow = Readonly<Record<string, string | number | boolean>>

const CONTINUATION = ['NextPartitionKey', 'NextRowKey'] as const

/** Reads a whole table without a library that could change a type. `odata.etag` is among the members. */
export async function rawRows(client: TableClient): Promise<readonly RawRow[]> {
  const rows: RawRow[] = []
  let next = ''
  do {
    const request = createPipelineRequest({
      url: `${client.url}/${client.tableName}()?${next}`,
      headers: createHttpHeaders({ Accept: 'application/json;odata=fullmetadata', 'x-ms-version': '2019-02-02' }),
      allowInsecureConnection: true,
    })
    const { status, bodyAsText, headers } = await client.pipeline.sendRequest(createDefaultHttpClient(), request)
    if (status !== 200) throw new Error(`table ${client.tableName}: ${status} ${bodyAsText}`)
    rows.push(...(JSON.parse(bodyAsText ?? '') as { value: RawRow[] }).value)
    const found = CONTINUATION.flatMap((name) => {
      const value = headers.get(`x-ms-continuation-${name}`)
      return value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]
    })
    next = found.join('&')
  } while (next !== '')
  return rows.toSorted((a, b) => order(a).localeCompare(order(b)))
}

function order({ PartitionKey, RowKey }: RawRow): string {
  return `${String(PartitionKey).slice(0, 8)} ${RowKey}`
}

/** A cell as it landed: its type and its value, or `absent`. A number without a stated type can only be a double here. */
export function landedCell(row: RawRow, property: string): string {
  const value = row[property]
  if (value === undefined) return 'absent'
  const usual = typeof value === 'number' ? 'Edm.Double' : 'Edm.String'
  return `${row[`${property}@odata.type`] ?? usual} ${value}`
}
