import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import type { TableClient, TableEntity, TransactionAction } from '@azure/data-tables'
import { parse } from 'csv-parse'
import { COLUMNS, keysOf, ORIGIN } from './report.ts'

/** The baseline of the bench: lands the same rows with the same types through csv-parse and the SDK's submitTransaction. */
export async function landByLibraries(path: string, client: TableClient, inFlight: number): Promise<number> {
  const open = new Set<Promise<void>>()
  let [actions, number, acknowledged]: [TransactionAction[], number, number] = [[], 0, 0]
  const submit = async () => {
    const sent: Promise<void> = client.submitTransaction(actions).then(({ subResponses }) => {
      acknowledged += subResponses.filter(({ status }) => status < 300).length
      open.delete(sent)
    })
    actions = []
    if (open.add(sent).size >= inFlight) await Promise.race(open)
  }
  const rows = createReadStream(path)
    .pipe(createGunzip())
    .pipe(parse({ columns: true, bom: true }))
  for await (const row of rows) {
    const entity: TableEntity = { ...keysOf(number), ...ORIGIN, _line: 2 + number++ }
    for (const { name, type } of COLUMNS) entity[name] = cell(type, row[name])
    actions.push(['upsert', entity, 'Replace'])
    if (actions.length === 100) await submit()
  }
  if (actions.length > 0) await submit()
  await Promise.all(open)
  return acknowledged
}

function cell(type: string, text: string): unknown {
  if (type === 'string') return text
  if (text === '') return undefined
  if (type === 'datetime') return new Date(text)
  if (type === 'boolean') return text === 'true'
  if (type === 'double') return { type: 'Double', value: Number(text) }
  return { type: type === 'int64' ? 'Int64' : 'Guid', value: text }
}
