import { configDefaults, defineConfig } from 'vitest/config'

/** What all runs share: vitest.long.config.ts has the long histories and the mutated inputs. */
export const SHARED = {
  globalSetup: ['test/setup/temporary-folder.ts', 'test/setup/azurite.ts'],
  // Most files wait for storage and processes more than they work: two at once keep two cores busy.
  maxWorkers: 2,
  testTimeout: 60_000,
  hookTimeout: 60_000,
}

/** They change nothing that another file sees, and each loads much of the app: it is loaded once for all of them. */
const TOGETHER = ['core', 'docs', 'steps'].map((room) => `test/${room}/**/*.test.ts`)

/** Whole hosts that die, files that are cut at every byte, storms of hints: a check before each commit has no time for them. */
export const SLOW = [
  'test/bench/bench.test.ts',
  'test/faults/hints.test.ts',
  'test/infra/planted.test.ts',
  'test/lost-create/lost-create.test.ts',
  'test/processes/{killed-host,two-hosts}.test.ts',
  'test/services/sorted-lines.test.ts',
  'test/browser/running-app.test.ts',
  'test/canaries/whole-run.test.ts',
  'test/engine/{azurite-cuts,every-cut,many-rows,zombie}.test.ts',
  'test/local/start.test.ts',
]

const LONG = [...['long', 'fuzz', 'crash', 'histories'].map((room) => `test/${room}/**`), ...SLOW]

export default defineConfig({
  test: {
    projects: [
      { test: { ...SHARED, name: 'together', include: TOGETHER, isolate: false, sequence: { groupOrder: 1 } } },
      {
        test: {
          ...SHARED,
          name: 'apart',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...LONG, ...TOGETHER],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
