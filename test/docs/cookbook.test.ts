import { expect, test } from 'vitest'
import { CATALOG } from '../../src/core/catalog.ts'
import { checkFeeds } from '../../src/core/feeds/feeds.ts'
import { textOf } from './page.ts'

const PAGE = textOf('docs/cookbook.md')

/** Each feeds.json of the page, under its heading. */
const EXAMPLES = PAGE.split(/^## /m).flatMap((part) =>
  Array.from(part.matchAll(/^```json\n(.*?)^```/gms), ([, text = '']) => [part.split('\n')[0] ?? '', text] as const),
)

test.each(EXAMPLES)('the example of "%s" is taken without a problem or a warning', (_, text) => {
  expect(checkFeeds(text, CATALOG)).toMatchObject({ problems: [], warnings: [] })
})

test('there is an example of every dataset of the catalogue', () => {
  const shown = EXAMPLES.flatMap(([, text]) => JSON.parse(text).feeds as readonly { readonly dataset: string }[])
  const datasets = new Set(shown.map(({ dataset }) => dataset))
  expect(CATALOG.map(({ name }) => name).filter((name) => !datasets.has(name))).toEqual([])
})
