import { configDefaults, defineConfig } from 'vitest/config'
import short from './vitest.config.ts'

/** `npm run test:long`: long histories, mutated inputs, and the laws over more histories than `npm test` has time for. */
export default defineConfig({
  test: {
    ...short.test,
    include: [
      'test/long/**/*.test.ts',
      'test/laws/**/*.test.ts',
      'test/histories/**/*.test.ts',
      'test/fuzz/**/*.test.ts',
    ],
    exclude: configDefaults.exclude,
    env: { LAWS_RUNS: process.env.LAWS_RUNS ?? '400' },
    // Three hosts, their storage and their service keep two cores busy: nothing runs beside them.
    fileParallelism: false,
    testTimeout: 1_200_000,
  },
})
