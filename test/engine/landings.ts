import { createDeployment } from '../memory/deployment.ts'
import { contentOfTable } from '../memory/folder.ts'
import { createMemoryStore, type MemoryStore } from '../memory/memory-store.ts'
import { contentOf } from '../memory/readers.ts'
import type { Service } from '../memory/service.ts'

/** Lands each file alone, and gives its name by the rows that stand then, and by those of a file of it. */
export async function landingsOf(
  service: Service,
  files: Readonly<Record<string, Buffer>>,
): Promise<ReadonlyMap<string, string>> {
  const landings = new Map<string, string>()
  for (const [name, file] of Object.entries(files)) {
    const stores: MemoryStore[] = []
    const store = (clock: { now(): Date }) => {
      const made = createMemoryStore({ clock: clock.now })
      stores.push(made)
      return made
    }
    const deployment = createDeployment({ service, store, file })
    await deployment.finish()
    const rows = stores[0]?.look('Usage') ?? []
    landings.set(contentOf(rows), name)
    landings.set(contentOfTable(rows.map(({ json }) => JSON.parse(json))), name)
  }
  return landings
}
