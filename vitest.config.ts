import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The long histories and the mutated inputs have a run of their own: vitest.long.config.ts.
    exclude: [...configDefaults.exclude, 'test/long/**', 'test/fuzz/**', 'test/crash/**', 'test/histories/**'],
    globalSetup: ['test/setup/temporary-folder.ts', 'test/setup/azurite.ts'],
    // Most files wait for storage and processes more than they work: two at once keep two cores busy.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
