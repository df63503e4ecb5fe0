import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { feedsSchema, withFeedFields } from '../../local/generate-docs.ts'
import { CATALOG } from '../../src/core/catalog.ts'
import { USER_TYPES } from '../../src/core/feeds/feed.ts'
import { ACCOUNT_FIELDS, AUTH_MODES, FEED_FIELDS, FILE_FIELDS, REFRESH_FIELDS } from '../../src/core/feeds/fields.ts'
import { type FeedSection, read } from '../../src/core/feeds/section.ts'

const SCHEMA = new URL('../../feeds.schema.json', import.meta.url)
const PAGE = new URL('../../docs/feeds.md', import.meta.url)

const WITH_ONE_MORE = {
  ...FEED_FIELDS,
  planted: { meaning: 'A field of `this` test.', allowed: 'true | false', schema: { type: 'boolean', default: true } },
}

describe('feeds.schema.json', () => {
  const text = readFileSync(SCHEMA, 'utf8')
  const schema = JSON.parse(text)
  const feed = schema.$defs.feed
  const account = schema.$defs.account

  test('is what npm run docs makes of the table of fields', () => {
    expect(text).toBe(feedsSchema())
  })

  test('is another once the table has a new field', () => {
    expect(text).not.toBe(feedsSchema(WITH_ONE_MORE))
    expect(JSON.parse(feedsSchema(WITH_ONE_MORE)).$defs.feed.properties.planted).toEqual({
      type: 'boolean',
      default: true,
      description: 'A field of this test. Allowed: true | false.',
    })
  })

  test('has the fields that the parser reads', () => {
    expect(Object.keys(schema.properties).toSorted()).toEqual(Object.keys(FILE_FIELDS).toSorted())
    expect(Object.keys(feed.properties).toSorted()).toEqual(Object.keys(FEED_FIELDS).toSorted())
    expect(Object.keys(feed.properties.refresh.properties).toSorted()).toEqual(Object.keys(REFRESH_FIELDS).toSorted())
    expect(Object.keys(account.properties).toSorted()).toEqual(Object.keys(ACCOUNT_FIELDS).toSorted())
  })

  test('offers the datasets of the catalogue, the types and the ways to sign in', () => {
    expect(feed.properties.dataset.anyOf[0].enum).toEqual(CATALOG.map(({ name }) => name))
    expect(feed.properties.types.additionalProperties.enum).toEqual(USER_TYPES)
    expect(account.properties.auth.enum).toEqual(AUTH_MODES)
  })

  test('takes false, and not true, where that switches off what an object would set', () => {
    expect(feed.properties.refresh).toMatchObject({ type: ['object', 'boolean'], not: { const: true } })
  })

  test('describes every field and allows no other', () => {
    for (const fields of [schema, feed, feed.properties.refresh, account]) {
      expect(fields.additionalProperties).toBe(false)
      for (const field of Object.values<{ description?: string }>(fields.properties))
        expect(field.description).toMatch(/\.$/)
    }
  })
})

describe('the table of fields in docs/feeds.md', () => {
  const page = 'Feeds.\n<!-- feed-fields:start -->\nold\n<!-- feed-fields:end -->\nMore.\n'

  test('is what npm run docs makes of the table of fields', () => {
    const text = readFileSync(PAGE, 'utf8')
    expect(text).toBe(withFeedFields(text))
    expect(text).not.toBe(withFeedFields(text, WITH_ONE_MORE))
  })

  test('has a row for each field of a feed, also those within another, and leaves the rest of the page alone', () => {
    const lines = withFeedFields(page, WITH_ONE_MORE).split('\n')
    expect(lines.slice(0, 3)).toEqual([
      'Feeds.',
      '<!-- feed-fields:start -->',
      '| field | meaning | allowed | default |',
    ])
    expect(lines.slice(-3)).toEqual(['<!-- feed-fields:end -->', 'More.', ''])
    const names = lines.flatMap((line) => /^\| `([\w.]+)` \|/.exec(line)?.[1] ?? [])
    const within = Object.keys(REFRESH_FIELDS).map((name) => `refresh.${name}`)
    expect(names.toSorted()).toEqual([...Object.keys(WITH_ONE_MORE), ...within].toSorted())
  })

  test('says what is required, what a default is, and where there is none', () => {
    const lines = withFeedFields(page, WITH_ONE_MORE).split('\n')
    const rowOf = (name: string) => lines.find((line) => line.startsWith(`| \`${name}\` |`))
    expect(rowOf('name')).toMatch(/ \| required \|$/)
    expect(rowOf('shards')).toMatch(/ \| a whole number from 1 to 512 \| `16` \|$/)
    expect(rowOf('table')).toMatch(/ \| `name` in PascalCase \|$/)
    expect(rowOf('key')).toMatch(/ \| none \|$/)
    expect(rowOf('planted')).toBe('| `planted` | A field of `this` test. | true \\| false | `true` |')
  })

  test('is made again from a page that has it, and only there', () => {
    expect(withFeedFields(withFeedFields(page))).toBe(withFeedFields(page))
    expect(() => withFeedFields('Feeds.')).toThrow('feed-fields:start')
  })
})

test('the reader cannot ask for a field that the table lacks', () => {
  const section: FeedSection = { owner: 'a feed', problems: [], fields: FEED_FIELDS, values: {} }
  // @ts-expect-error: the table has no such field
  expect(() => read(section, 'planted', () => undefined)).toThrow()
})
