/** The keys of a row as the service lists them. */
type Keys = { readonly PartitionKey: string; readonly RowKey: string }

/** The keys of the rows that stand. `address` names a row as a change does, with both keys. */
export type SinkRows = {
  add(address: string): void
  remove(address: string): void
  /** The first rows between the two partition keys of a filter, in the order of their keys: one page of a list. */
  firstOf(filter: string): readonly Keys[]
}

const PAGE_SIZE = 1000

const ADDRESS = /PartitionKey='([^']*)',RowKey='([^']*)'/
const RANGE = /^PartitionKey ge '([^']*)' and PartitionKey lt '([^']*)'$/

export function openRows(): SinkRows {
  const partitions = new Map<string, Set<string>>()
  return {
    add(address) {
      const [, partition = '', row = ''] = ADDRESS.exec(address) ?? []
      partitions.set(partition, (partitions.get(partition) ?? new Set()).add(row))
    },
    remove(address) {
      const [, partition = '', row = ''] = ADDRESS.exec(address) ?? []
      partitions.get(partition)?.delete(row)
    },
    firstOf(filter) {
      const [, from = '', to = ''] = RANGE.exec(filter) ?? []
      const page: Keys[] = []
      for (const partition of [...partitions.keys()].filter((key) => key >= from && key < to).sort()) {
        const rows = [...(partitions.get(partition) ?? [])].sort().slice(0, PAGE_SIZE - page.length)
        page.push(...rows.map((row) => ({ PartitionKey: partition, RowKey: row })))
      }
      return page
    },
  }
}
