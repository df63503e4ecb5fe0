import { Agent, request as httpRequest } from 'node:http'
import type { TableClient } from '@azure/data-tables'
import { isFailure } from '../src/core/failures.ts'
import { createEntityEncoder, type Entity, isReject } from '../src/core/report/entities.ts'
import { partitionPrefix } from '../src/core/time/window.ts'
import { openLandingTable } from '../src/services/storage/landing-table.ts'
import { openReport } from '../src/services/storage/report-records.ts'
import { TRANSACTION_HEADERS, transactionBody } from '../src/services/storage/transaction.ts'
import { fileArchive } from './landing.ts'
import { COLUMNS, LINEAGE, SHARDS, WINDOW } from './report.ts'

const PER_TRANSACTION = 100

/** How often the prepared rows are sent: few of them in memory, or the collector's work would hide the writer's. */
export const ROUNDS = 20

/** Work that is measured without what was prepared for it; gives the rows acknowledged. */
export type Prepared = () => Promise<number>

/** The app's writer alone, from entities that are ready. */
export async function prepareWriter(path: string, client: TableClient, inFlight: number): Promise<Prepared> {
  const groups = await entityGroups(path)
  return async () => {
    const written = await openLandingTable(client).write(repeated(groups), { inFlight })
    if (isFailure(written)) throw new Error(written.message)
    return written.acknowledged
  }
}

/** What no writer can beat: bodies that are ready, sent by `node:http`, and answers that are read and not looked at. */
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

/** The rows of a report as entities, in the groups of their transactions. */
async function entityGroups(path: string): Promise<readonly (readonly Entity[])[]> {
  const report = await openReport(fileArchive(path), path, 'bench')
  if (isFailure(report)) throw new Error(report.message)
  const prefix = partitionPrefix(WINDOW)
  const encoder = createEntityEncoder({ columns: COLUMNS, prefix, shards: SHARDS, lineage: LINEAGE })
  const entities: Entity[] = []
  for await (const group of report.records) {
    if (isFailure(group)) throw new Error(group.message)
    for (const record of group) {
      const entity = encoder.encode(record, entities.length)
      if (isReject(entity)) throw new Error(`${entity.column} ${entity.reason}`)
      // A text in one piece: one in many would be put together anew in every round.
      entities.push({ ...entity, json: Buffer.from(entity.json).toString() })
    }
  }
  const starts = Array.from({ length: Math.ceil(entities.length / PER_TRANSACTION) }, (_, at) => at * PER_TRANSACTION)
  return starts.map((start) => entities.slice(start, start + PER_TRANSACTION))
}
