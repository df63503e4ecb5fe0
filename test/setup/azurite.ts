import type { TestProject } from 'vitest/node'
import { startAzurite } from '../../local/azurite.ts'

declare module 'vitest' {
  // Only an interface can be added to: it is how Vitest wants what it provides to be typed.
  export interface ProvidedContext {
    storage: string
  }
}

/** One Azurite in memory for the whole run; tests get its connection string by `inject('storage')`. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const azurite = await startAzurite()
  provide('storage', azurite.connectionString)
  return azurite.stop
}
