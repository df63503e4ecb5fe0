import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startAzurite } from '../../local/azurite.ts'
import '../../local/azurite-saves.ts'

type Database = { addCollection(name: string): { insert(row: object): void }; close(): void }
type Adapter = { saveDatabase(name: string, text: string, done: () => void): void }
type Loki = new (name: string, options: { adapter: Adapter; autosave: boolean; autosaveInterval: number }) => Database

const Loki: Loki = createRequire(createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js'))('lokijs')

it('an Azurite in which rows change all the time writes them once a minute, and when it ends', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const saved: string[] = []
  const adapter: Adapter = {
    saveDatabase(_, text, done) {
      saved.push(text)
      done()
    },
  }
  // As Azurite opens it: azurite/dist/src/table/persistence/LokiTableMetadataStore.js.
  const database = new Loki('tables', { adapter, autosave: true, autosaveInterval: 5000 })
  const rows = database.addCollection('ledger')
  for (let second = 1; second < 60; second += 1) {
    rows.insert({ second })
    vi.advanceTimersByTime(1000)
  }
  expect(saved).toEqual([])
  vi.advanceTimersByTime(1000)
  expect(saved).toEqual([expect.stringContaining('"second":59')])
  rows.insert({ second: 60 })
  database.close()
  expect(saved.at(-1)).toContain('"second":60')
})

it.runIf(process.platform === 'linux')('every Azurite of ours is one of these', async () => {
  const { pid, stop } = await startAzurite()
  onTestFinished(stop)
  expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).toMatch(/--import\0[^\0]*\/local\/azurite-saves\.ts\0/)
})
