import type { CatalogColumn, CatalogMetric, Dataset } from '../../src/core/catalog.ts'
import { columnTypeOf } from '../../src/core/feeds/columns.ts'
import type { ColumnType } from '../../src/core/feeds/feed.ts'
import { nameKey } from '../../src/core/names.ts'
import type { LiveDataset } from '../../src/services/insights/client.ts'
import meanings from './meanings.json' with { type: 'json' }

/** A column or metric of a dataset: what the catalogue knows of it, and whether the service lists it now. */
export type DescribedColumn = {
  readonly dataset: string
  readonly column: string
  readonly kind: 'column' | 'metric'
  /** How it lands, unless the feed's `types` say otherwise. */
  readonly type: ColumnType
  readonly offered: boolean
  /** In our own words, by Microsoft's pages; empty where no page says it. */
  readonly meaning: string
  /** Identifies a person: a feed without `columns` leaves it out. */
  readonly personal?: true
  /** The sum over rows says nothing, such as that of a count of different things. */
  readonly notAdditive?: true
}

/** Every column and metric that the catalogue or the service has of a dataset. What only the service has lands as text. */
export function describeColumns(known: Dataset | undefined, live: LiveDataset | undefined): readonly DescribedColumn[] {
  const dataset = known?.name ?? live?.name.trim() ?? ''
  const listed = new Set([...(live?.columns ?? []), ...(live?.metrics ?? [])].map(nameKey))
  const isOffered = ({ name, aliases = [] }: Pick<CatalogColumn, 'name' | 'aliases'>) =>
    [name, ...aliases].some((each) => listed.has(nameKey(each)))
  const columns = (known?.columns ?? []).map((column): DescribedColumn => {
    const { name: named, type, personal } = column
    const fields = {
      dataset,
      column: named,
      kind: 'column',
      type: columnTypeOf(type),
      offered: isOffered(column),
    } as const
    return { ...fields, meaning: meaningOf(dataset, named), ...(personal && { personal }) }
  })
  const metrics = (known?.metrics ?? []).map((metric: CatalogMetric): DescribedColumn => {
    const fields = { dataset, column: metric.name, kind: 'metric', type: 'double', offered: isOffered(metric) } as const
    return {
      ...fields,
      meaning: meaningOf(dataset, metric.name),
      ...(!metric.additive && { notAdditive: true as const }),
    }
  })
  const inCatalogue = new Set(
    [
      ...(known?.columns ?? []).flatMap(({ name, aliases = [] }) => [name, ...aliases]),
      ...(known?.metrics ?? []).map(({ name }) => name),
    ].map(nameKey),
  )
  const others = (names: readonly string[], kind: DescribedColumn['kind']) =>
    names
      .filter((name) => !inCatalogue.has(nameKey(name)))
      .map(
        (name): DescribedColumn => ({ dataset, column: name.trim(), kind, type: 'string', offered: true, meaning: '' }),
      )
  return [...columns, ...others(live?.columns ?? [], 'column'), ...metrics, ...others(live?.metrics ?? [], 'metric')]
}

type Texts = Readonly<Record<string, string>>

function meaningOf(dataset: string, column: string): string {
  const own = (meanings.datasets as Readonly<Record<string, Texts>>)[dataset]?.[column]
  return own ?? (meanings.everywhere as Texts)[column] ?? ''
}
