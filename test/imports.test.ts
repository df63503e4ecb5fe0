import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importFaults, readSources } from '../local/check-imports.ts'

// `npm run lint` checks the project. A rule that nobody has seen fail may never have worked: here each one is broken.

const using = (from: string) => `import { thing } from '${from}'\n\nexport const use = () => thing\n`
const faultsOf = (path: string, source: string) => importFaults(new Map([[path, source]]))

test('the project itself keeps every rule, in all of its files', async () => {
  const files = await readSources(join(import.meta.dirname, '..'))
  expect(files.size).toBeGreaterThan(200)
  expect(importFaults(files)).toEqual([])
})

test.each([
  ['src/core/planted.ts', '@azure/data-tables'],
  ['src/core/planted.ts', 'node:fs'],
  ['src/core/planted.ts', 'csv-parse'],
  ['src/core/query/planted.ts', 'jsonc-parser'],
  ['src/core/planted.ts', '../services/storage/ledger-table.ts'],
  ['src/core/planted.ts', '../settings/settings.ts'],
  ['src/core/planted.ts', '../../local/build.ts'],
  ['src/core/failures.ts', './time/window.ts'],
  ['src/core/time/planted.ts', '../query/parse.ts'],
  ['src/core/query/planted.ts', '../feeds/feed.ts'],
  ['src/core/feeds/planted.ts', '../report/parse.ts'],
  ['src/core/report/planted.ts', '../ledger/ledger.ts'],
  ['src/core/ledger/planted.ts', '../plan/plan.ts'],
  ['src/core/plan/planted.ts', '../status/status.ts'],
  ['src/core/status/planted.ts', '../doctor.ts'],
  ['src/page/planted.ts', '../services/lazily.ts'],
  ['src/page/planted.ts', 'node:fs'],
  ['src/core/planted.ts', '../page/tree.ts'],
  ['src/services/planted.ts', '../steps/ingest.ts'],
  ['src/services/storage/planted.ts', '../../settings/settings.ts'],
  ['src/services/planted.ts', '../app/app.ts'],
  ['src/services/planted.ts', '@azure/functions'],
  ['src/services/planted.ts', '../../local/build.ts'],
  ['src/settings/planted.ts', '../steps/ingest.ts'],
  ['src/settings/planted.ts', 'node:fs'],
  ['src/handlers.ts', './functions.ts'],
  ['src/steps/planted.ts', '../functions.ts'],
  ['src/steps/planted.ts', '../app/app.ts'],
  ['src/steps/planted.ts', '@azure/functions'],
  ['src/steps/planted.ts', '@azure/data-tables'],
  ['src/steps/planted.ts', '../../cli/main.ts'],
  ['src/app/planted.ts', '../handlers.ts'],
  ['src/planted.ts', '../local/build.ts'],
  ['src/planted.ts', '../cli/main.ts'],
])('%s may not import %s', (path, from) => {
  expect(faultsOf(path, using(from))).toHaveLength(1)
})

test.each([
  ['src/core/planted.ts', './failures.ts'],
  ['src/core/plan/planted.ts', '../time/window.ts'],
  ['src/core/status/status.ts', '../plan/plan.ts'],
  ['src/core/feeds/planted.ts', 'jsonc-parser'],
  ['src/services/planted.ts', '../core/feeds/feeds.ts'],
  ['src/services/planted.ts', '@azure/data-tables'],
  ['src/services/planted.ts', 'node:crypto'],
  ['src/steps/planted.ts', '../services/storage/ledger-table.ts'],
  ['src/steps/landing/planted.ts', '../../core/feeds/feeds.ts'],
  ['src/functions.ts', './steps/ingest.ts'],
  ['src/functions.ts', '@azure/functions'],
  ['local/planted.ts', '../src/core/feeds/feeds.ts'],
])('%s may import %s', (path, from) => {
  expect(faultsOf(path, using(from))).toEqual([])
})

describe('an import against the order is seen in every form', () => {
  test.each([
    ["import type { Thing } from '../services/storage/ledger-table.ts'\n\nexport type Use = Thing"],
    ["import {\n  type Thing,\n  thing,\n} from '../services/storage/ledger-table.ts'"],
    ["export { thing } from '../services/storage/ledger-table.ts'"],
    ["export * from '../services/storage/ledger-table.ts'"],
    ["import '../services/storage/ledger-table.ts'"],
    ["export const use = () => import('../services/storage/ledger-table.ts')"],
    ["export type Use = import('../services/storage/ledger-table.ts').Thing"],
    ["import {\n  // It's used by one().\n  thing, /* other = thing; */\n} from '../services/storage/ledger-table.ts'"],
    ["/* first */ import { thing } from /* second */ '../services/storage/ledger-table.ts'"],
    ["export const use = () => import(/* third */ '../services/storage/ledger-table.ts')"],
    ['export const use = () => import(`../services/storage/ledger-table.ts`)'],
  ])('%s', (source) => {
    expect(faultsOf('src/core/planted.ts', source)).toEqual([
      'src/core/planted.ts imports src/services/storage/ledger-table.ts: imports go from upper layers to lower ones',
    ])
  })
})

test('an import that is written in a comment is none', () => {
  const source =
    "/** As `import('../steps/ingest.ts')`. */\n// import { thing } from '../steps/ingest.ts'\n/*\nimport '../app/app.ts'\n*/\n"
  expect(faultsOf('src/core/planted.ts', source)).toEqual([])
  const text =
    "export const address = 'https://a.example/*'\nexport const use = () => import('../steps/ingest.ts') // */"
  expect(faultsOf('src/core/planted.ts', text)).toHaveLength(1)
})

test('a circle is named with all its files, also one of types alone', () => {
  const files = new Map([
    ['src/core/feeds/a.ts', "import type { B } from './b.ts'\nexport type A = B\n"],
    ['src/core/feeds/b.ts', "import type { C } from './c.ts'\nexport type B = C\n"],
    ['src/core/feeds/c.ts', "import type { A } from './a.ts'\nexport type C = A\n"],
  ])
  expect(importFaults(files)).toEqual([
    'a circle of imports: src/core/feeds/a.ts → src/core/feeds/b.ts → src/core/feeds/c.ts → src/core/feeds/a.ts',
  ])
})

test('the simulator shares nothing with the app but the catalogue, not even by way of another file', () => {
  const file = 'local/simulator/planted.ts'
  expect(faultsOf(file, using('../../src/core/query/parse.ts'))).toHaveLength(1)
  expect(faultsOf(file, using('../start/environment.ts'))).toHaveLength(1)
  expect(faultsOf(file, using('../../src/core/catalog.ts'))).toEqual([])
  expect(faultsOf(file, using('./http.ts'))).toEqual([])
  expect(faultsOf(file, using('selfsigned'))).toEqual([])
  expect(faultsOf('local/certificate.ts', using('../src/core/names.ts'))).toHaveLength(1)
})
