import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { SHARED, SLOW } from './vitest.config.ts'

const shared = {
  ...SHARED,
  exclude: configDefaults.exclude,
  env: { LAWS_RUNS: process.env.LAWS_RUNS ?? '400' },
  testTimeout: 1_200_000,
}

/** What keeps both cores busy by itself, or compares times: nothing runs beside it. */
const ALONE = ['test/long/three-hosts.test.ts', 'test/fuzz/slow-text.test.ts']

/** The histories take longer than all that runs beside them: begun last, they would leave one core idle. */
class HistoriesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isHistories = ({ moduleId }: TestSpecification) => moduleId.endsWith('histories.test.ts')
    const sorted = await super.sort(files)
    return [...sorted.filter(isHistories), ...sorted.filter((file) => !isHistories(file))]
  }
}

/** `npm run test:long`: long histories, mutated inputs, and the laws over more histories than `npm test` has time for. */
export default defineConfig({
  test: {
    sequence: { sequencer: HistoriesFirst },
    projects: [
      {
        test: { ...shared, name: 'alone', include: ALONE, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
      {
        test: {
          ...shared,
          name: 'beside',
          include: [
            ...['long', 'laws', 'crash', 'histories', 'fuzz'].map((room) => `test/${room}/**/*.test.ts`),
            ...SLOW,
          ],
          exclude: [...shared.exclude, ...ALONE],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
