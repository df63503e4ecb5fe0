import { Agent, request as httpRequest } from 'node:http'
import type { TableClient } from '@azure/data-tables'
import { isFailure } from '../src/core/failures.ts'
import { createEntityEncoder, type Entity, isReject } from '../src/core/report/entities.ts'
import { keyRange } from '../src/core/report/generation.ts'
import { openLandingTable } from '../src/services/storage/landing-table.ts'
import { openReport } from '../src/services/storage/report-records.ts'
import { TRANSACTION_HEADERS, transactionBody } from '../src/services/storage/transaction.ts'
import { fileArchive } from './landing.ts'
import { COLUMNS, GENERATION, LINEAGE, SHARDS, WINDOW } from './report.ts'

const PER_TRANSACTION = 100

/** How often the prepared rows are sent. With more rows in memory, garbage collection would hide the cost of the writer. */
export const ROUNDS = 20

/** Work to measure without its preparation. Gives the number of acknowledged rows. */
export type Prepared = () => Promise<number>

/** Prepares the app's writer alone, from entities that are ready. */
export async function prepareWriter(path: string, client: TableClient, inFlight: number): Promise<Prepared> {
  const groups = await entityGroups(path)
  return async () => {
    const written = await openLandingTable(client).write(repeated(groups), { inFlight })
    if (isFailure(written)) throw new Error(written.message)
    return written.acknowledged
  }
}

/** Prepares the lower bound: `node:http` sends bodies that are ready and reads the answers without parsing them. */
export async function prepareRaw(path: string, client: TableClient, inFlight: number): Promise<Prepared> {
  const groups = await entityGroups(path)
  const bodies = groups.map((group) => transactionBody(`${client.url}/${client.tableName}`, group))
  const agent = new Agent({ keepAlive: true })
  return async () => {
    const left = Array.from({ length: ROUNDS }, () => bodies)
      .flat()
      .values()
    const lane = async () => {
      for (const body of left) await post(`${client.url}/$batch`, agent, body)
    }
    await Promise.all(Array.from({ length: inFlight }, lane))
    agent.destroy()
    return groups.flat().length * ROUNDS
  }
}

function post(url: string, agent: Agent, body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { ...TRANSACTION_HEADERS, 'Content-Length': body.length }
    const sent = httpRequest(url, { method: 'POST', agent, headers }, (response) =>
      response.resume().on('end', resolve),
    )
    sent.on('error', reject).end(body)
  })
}

async function* repeated(groups: readonly (readonly Entity[])[]): AsyncGenerator<readonly Entity[]> {
  for (let round = 0; round < ROUNDS; round++) yield* groups
}

/** The rows of a report as entities, grouped by transaction. */
async function entityGroups(path: string): Promise<readonly (readonly Entity[])[]> {
  const report = await openReport(fileArchive(path), { name: path, bytes: 0, sha256: '', etag: '' }, 'bench', {
    verify: false,
  })
  if (isFailure(report)) throw new Error(report.message)
  const prefix = keyRange(WINDOW, GENERATION).keyFrom
  const encoder = createEntityEncoder({ columns: COLUMNS, prefix, shards: SHARDS, lineage: LINEAGE })
  const entities: Entity[] = []
  for await (const group of report.records) {
    if (isFailure(group)) throw new Error(group.message)
    for (const record of group) {
      const entity = encoder.encode(record, entities.length)
      if (isReject(entity)) throw new Error(`${entity.column} ${entity.reason}`)
      // Copies the text into one piece. Otherwise every round would join its parts again.
      entities.push({ ...entity, json: Buffer.from(entity.json).toString() })
    }
  }
  const starts = Array.from({ length: Math.ceil(entities.length / PER_TRANSACTION) }, (_, at) => at * PER_TRANSACTION)
  return starts.map((start) => entities.slice(start, start + PER_TRANSACTION))
}
