import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { TableClient } from '@azure/data-tables'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { missed } from '../../bench/figures.ts'
import { forgedFigures } from '../../bench/forged.ts'
import { measureIdle, requireSameCost } from '../../bench/idle.ts'
import { type Bench, type Report, runOnce, takeTally } from '../../bench/measure.ts'
import { manyWindows, plan, planFigures } from '../../bench/plan.ts'
import { writeReport } from '../../bench/report.ts'
import { type Sink, startSink } from '../../bench/sink.ts'
import { rowHash } from '../../bench/sink-hash.ts'
import { statusFigures } from '../../bench/status.ts'
import { requireHonesty, requireSameRows, restatedOps } from '../../bench/trials.ts'
import { ROUNDS } from '../../bench/writing.ts'
import { windowId } from '../../src/core/time/window.ts'

const BENCH = resolve(import.meta.dirname, '../../bench')

let folder: string
let sink: Sink
let bench: Bench
let report: Report

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'insights-bench-test-'))
  sink = await startSink()
  const warmUp = { path: join(folder, 'warm-up.csv.gz'), rows: 200 }
  report = { path: join(folder, 'report.csv.gz'), rows: 2_350 }
  for (const { path, rows } of [warmUp, report]) await writeReport(path, rows)
  bench = { program: join(BENCH, 'run-process.ts'), flags: [], origin: sink.origin, storage: inject('storage'), warmUp }
})

afterAll(async () => {
  await sink.close()
  await rm(folder, { recursive: true, force: true })
})

describe('the bench', () => {
  it('has both sides write the same rows, with the same types, in as few transactions', async () => {
    const app = await runOnce(bench, 'app', report)
    const libraries = await runOnce(bench, 'libraries', report)
    requireSameRows([app, libraries], 'app and libraries')
    expect({ rows: app.tally.rows, libraries: libraries.tally.requests }).toEqual({ rows: 2_350, libraries: 24 })
    // One more: the table is made.
    expect(app.tally.requests).toBe(25)
  })

  it('has a landing write the same rows with a file of them, which it reads back', async () => {
    const app = await runOnce(bench, 'app', report)
    const published = await runOnce(bench, 'published', report)
    requireSameRows([app, published], 'app and published')
    expect(published.tally.requests).toBe(app.tally.requests)
  })

  it('has the writer send the same rows as a run without it', async () => {
    const writer = await runOnce(bench, 'writer', bench.warmUp)
    const raw = await runOnce(bench, 'raw', bench.warmUp)
    requireSameRows([writer, raw], 'writer and raw')
    expect(writer.tally.rows).toBe(200 * ROUNDS)
  })

  it('believes the app only after late, missing, cut and refused answers were tried on it', async () => {
    await requireHonesty(bench, report)
  })

  it('counts what it costs to replace a landing, to the last row that is deleted', async () => {
    const { tally } = await runOnce(bench, 'restated', report)
    // The table is made and the rows are written. Three lists and 25 transactions delete the old ones, and two lists find none.
    expect(tally).toMatchObject({ rows: 2_350, deleted: 2_350, requests: 25 + 3 + 25 + 2 })
    expect(await restatedOps(bench, report)).toBe((1000 * tally.requests) / 2_350)
  })

  it('counts what quiet feeds cost, which is the same however many windows have landed', async () => {
    const program = join(BENCH, 'idle-process.ts')
    const few = await measureIdle(program, { feeds: 2, windows: 3 })
    // More than one page of them.
    const many = await measureIdle(program, { feeds: 2, windows: 300 })
    requireSameCost(few.idle, many.idle)
    // feeds.json, the app's rows, one request for each feed, and the row of the tick, which is read and written.
    expect(many.idle.requests).toBe(1 + 1 + 2 + 2)
    expect(many.audit.bytesPerFeed).toBeGreaterThan(300 * 2_000 * 2)
  }, 120_000)

  it('goes red when an idle tick costs more after more windows', () => {
    const few = { bytesPerFeed: 4_043, requests: 24 }
    expect(() => requireSameCost(few, { ...few, bytesPerFeed: 4_100 })).toThrow('and for many 4100 bytes a feed')
    expect(() => requireSameCost(few, { ...few, requests: 25 })).toThrow('in 25 requests')
  })

  it('plans every window of ten years of days, and measures how long that takes', () => {
    const actions = plan(manyWindows(3_650))
    expect(new Set(actions.map(({ window }) => windowId(window))).size).toBe(3_650)
    expect(actions.filter(({ previous }) => previous)).toHaveLength(1_825)
    expect(new Set(actions.map(({ lane }) => lane))).toEqual(new Set(['live', 'backfill']))
    const { plan_ms_3650, plan_growth } = planFigures(3)
    expect(plan_ms_3650).toBeGreaterThan(0)
    expect(plan_growth).toBeGreaterThan(1)
  })

  it('goes red when the app claims more acknowledged rows than the sink took', async () => {
    const program = join(folder, 'boast.mjs')
    await writeFile(program, 'process.send({ cost: { acknowledged: 2350 } })')
    await takeTally(sink.origin)
    const boast = runOnce({ ...bench, program }, 'app', report)
    await expect(boast).rejects.toThrow('app: 2350 rows acknowledged, 0 taken by the sink, 2350 sent')
  })

  it('tells rows apart by their types and by values, and not by how a value is written', () => {
    const hash = (json: string) => rowHash('PUT', json).join()
    expect(hash('{"A@odata.type":"Edm.Double","A":1}')).toBe(hash('{"A":1.0e0,"A@odata.type":"Edm.Double"}'))
    expect(hash('{"A@odata.type":"Edm.Double","A":1}')).not.toBe(hash('{"A":1}'))
    expect(hash('{"A@odata.type":"Edm.Int64","A":"1"}')).not.toBe(hash('{"A":"1"}'))
    expect(hash('{"A":1}')).not.toBe(hash('{"A":2}'))
    expect(hash('{"A":""}')).not.toBe(hash('{}'))
  })

  it('compares a status with reading the same rows, and counts the windows on both sides', async () => {
    const { status_vs_raw } = await statusFigures({ feeds: 2, windows: 3 }, 1)
    expect(status_vs_raw).toBeGreaterThan(0)
  })

  it('has the built app refuse forged callbacks without a storage call, which a genuine one would make', async () => {
    const { forged_rps, forged_storage_calls } = await forgedFigures(folder, { warmUp: 60, measured: 120 })
    expect(forged_rps).toBeGreaterThan(0)
    expect(forged_storage_calls).toBe(0)
  }, 120_000)

  it('compares with a file that anyone can read', async () => {
    const text = await readFile(join(BENCH, 'baseline.ts'), 'utf8')
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(40)
  })

  it('names every figure that is over its limit', () => {
    const good = {
      cpu_vs_sdk: 0.3,
      cpu_write_vs_raw: 1.2,
      cpu_us_per_row: 12,
      parquet_us_per_row: 20,
      rss_mb_100k: 150,
      rss_mb_2m: 165,
      rss_mb_2m_parquet: 240,
      billed_ops_per_1000_rows: 10.01,
      billed_ops_restated: 21.5,
      idle_bytes_per_feed: 4_043,
      idle_requests: 24,
      audit_bytes_per_feed: 17_000_000,
      sweep_rss_mb: 165,
      plan_ms_3650: 4,
      plan_growth: 11,
      status_vs_raw: 1.2,
      dashboard_ms: 200,
      forged_rps: 500,
      forged_storage_calls: 0,
      forged_rss_growth_mb: 3,
      import_ms: 70,
      bundle_mb: 1.3,
    }
    expect(missed(good)).toEqual([])
    expect(missed({ ...good, cpu_vs_sdk: 0.31, rss_mb_2m: 171 })).toHaveLength(2)
    expect(missed({ ...good, rss_mb_2m_parquet: 251 })).toHaveLength(1)
    expect(missed({ ...good, idle_bytes_per_feed: 4_097, idle_requests: 43, sweep_rss_mb: 201 })).toHaveLength(3)
    expect(missed({ ...good, plan_ms_3650: 10.1, plan_growth: 20.1 })).toHaveLength(2)
    expect(missed({ ...good, status_vs_raw: 1.51 })).toHaveLength(1)
    expect(missed({ ...good, dashboard_ms: 501 })).toHaveLength(1)
    expect(missed({ ...good, forged_rps: 499, forged_storage_calls: 1, forged_rss_growth_mb: 10.1 })).toHaveLength(3)
    expect(missed({ ...good, forged_rps: Number.NaN })).toEqual(['forged_rps is NaN, under 500'])
    expect(missed({ ...good, import_ms: Number.NaN })).toHaveLength(1)
  })
})

describe('the sink', () => {
  it('refuses as the service does, and counts nothing of it', async () => {
    const client = new TableClient(`${sink.origin}/bench`, 'Bench', { allowInsecureConnection: true })
    await takeTally(sink.origin)
    const entity = { partitionKey: 'a', rowKey: '1' }
    const twice = client.submitTransaction([
      ['upsert', entity, 'Replace'],
      ['upsert', entity, 'Replace'],
    ])
    await expect(twice).rejects.toMatchObject({ statusCode: 400 })
    expect(await takeTally(sink.origin)).toMatchObject({ rows: 0, requests: 1 })
  })
})
