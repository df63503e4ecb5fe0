import { expect, test } from 'vitest'
import type { State } from '../../src/core/ledger/ledger.ts'
import { createEntityEncoder } from '../../src/core/report/entities.ts'
import { generationAt, keyRange } from '../../src/core/report/generation.ts'
import { MONTH_SUFFIX } from '../../src/core/report/property-names.ts'
import { parseWindowId } from '../../src/core/time/window.ts'
import { archiveName, rejectsName } from '../../src/services/storage/archive.ts'
import { feedOf } from '../core/feed-of.ts'
import { codeOf, namesIn, rowsOf, textOf } from './page.ts'

const PAGE = textOf('docs/what-lands-where.md')

test('the example row is what the encoder makes of its cells', () => {
  const example = rowsOf(PAGE, 'property').map(({ property, type, value }) => ({
    property: codeOf(property) ?? '',
    type,
    value: codeOf(value) ?? '',
  }))
  const shownValue = (name: string) => example.find(({ property }) => property === name)?.value ?? ''
  const [, window = ''] = /RowKey` the window, such as `([^`]+)`/.exec(PAGE) ?? []
  const month = parseWindowId(window)
  if (!month) throw new Error(`the page names a window that is none: ${window}`)
  const place = generationAt(shownValue('PartitionKey'))
  if (!place) throw new Error('the page shows a PartitionKey that is none')
  const { types, shards } = feedOf()
  const cells = example.filter(
    ({ property }) => property in types && !property.startsWith('_') && !property.endsWith(MONTH_SUFFIX),
  )
  const encoder = createEntityEncoder({
    columns: cells.map(({ property }) => ({ name: property, type: types[property] ?? 'string' })),
    prefix: keyRange(month, place.generation).keyFrom,
    shards,
    lineage: { attempt: Number(shownValue('_attempt')), reportId: shownValue('_reportId') },
  })
  const record = { line: Number(shownValue('_line')), raw: '', fields: cells.map(({ value }) => value) }
  const entity = encoder.encode(record, Number(shownValue('RowKey')))
  if (!('json' in entity)) throw new Error(entity.reason)
  const landed: Readonly<Record<string, unknown>> = JSON.parse(entity.json)
  const names = Object.keys(landed).filter((name) => !name.endsWith('@odata.type'))
  expect(example.map(({ property }) => property).toSorted()).toEqual(names.toSorted())
  for (const { property, type, value } of example) {
    const edm = landed[`${property}@odata.type`] ?? 'Edm.String'
    expect({ property, type: `Edm.${type}`, value }).toEqual({ property, type: edm, value: String(landed[property]) })
  }
})

test('the states are those of the ledger', () => {
  const states = { planned: 1, requesting: 2, requested: 3, landing: 4, landed: 5, failed: 6 } satisfies Record<
    State,
    number
  >
  expect(namesIn(rowsOf(PAGE, 'state'), 'state')).toEqual(Object.keys(states))
})

test('the tables, containers and queues are those the app opens', () => {
  const opened = `${textOf('src/app/app.ts')}\n${textOf('src/functions.ts')}`
  const names = Array.from(
    opened.matchAll(/\b(?:storage\.(table|container|queue)\(|queueName: )'([^']+)'/g),
    ([, what = 'queue', name]) => `${what} \`${name}\``,
  )
  const documented = rowsOf(PAGE, 'where').flatMap(({ where = '' }) => (/^\w+ `[^`]+`$/.test(where) ? [where] : []))
  expect(documented.toSorted()).toEqual([...new Set(names)].toSorted())
})

test('reports and rejects have the names that the archive gives them', () => {
  const subject = { feed: 'feed', window: 'window', attempt: 1 }
  const report = archiveName(subject, 'execution', { tsv: false, gzip: false })
  // The archive takes no angle brackets in a name.
  const shown = (name: string) => name.replace(/^feed\/window\/1-([a-z]+)/, '<feed>/<window>/<attempt>-<$1>')
  expect(PAGE).toContain(`\n${shown(report)} `)
  expect(PAGE).toContain(`\n${shown(rejectsName(subject, 'owner'))} `)
})
