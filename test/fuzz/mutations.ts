/** Mutations of answers, by a seed: the same seed gives the same answers in the same order. */

export type Chance = {
  /** A whole number from 0, below `limit`. */
  below(limit: number): number
  pick<T>(from: readonly T[]): T
  /** Whether something happens that happens in `percent` of all cases. */
  happens(percent: number): boolean
}

/** Numbers that a seed decides (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed
  const below = (limit: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
  return {
    below,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    happens: (percent) => below(100) < percent,
  }
}

const nested = (levels: number, open: string, close: string) =>
  JSON.parse(`${open.repeat(levels)}1${close.repeat(levels)}`) as unknown

/** What a field may hold instead of what it should: every type, and texts that mean something somewhere else. */
const VALUES: readonly (() => unknown)[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    -0,
    Number.MAX_SAFE_INTEGER + 2,
    '',
    ' ',
    [],
    {},
    [null],
    [[]],
    { a: 1 },
  ].map((value) => () => value),
  ...[
    'x/../../../../config/evil',
    '..',
    '.',
    '/',
    '\\',
    'a?b=c',
    'a#b',
    'a;b',
    "a'b",
    'a"b',
    '%2e%2e%2f',
    'A'.repeat(65),
  ].map((value) => () => value),
  ...['\u0000', 'a\r\nb', '\u001b[31m', '\u202etxt', '\u2028', '\ud800', '\u{1f600}', '__proto__', 'constructor'].map(
    (value) => () => value,
  ),
  ...[
    'https://evil.example/x?sig=SECRET',
    'http://127.0.0.1:1/x',
    '//evil.example',
    'file:///etc/passwd',
    'javascript:1',
    'not a link',
  ].map((value) => () => value),
  ...['2025-13-45T99:99:99', '9999-12-31T23:59:59', '0', '-5', '1e400', 'NaN', 'true', 'Completed', 'PENDING'].map(
    (value) => () => value,
  ),
  () => 'x'.repeat(20_000),
  () => ' '.repeat(10_000),
  () => 'a.'.repeat(10_000),
  () => Array.from({ length: 300 }, (_, index) => ({ reportId: `r${index}` })),
  () => Array.from({ length: 500 }, () => 'x'),
  () => nested(200, '[', ']'),
  () => nested(200, '{"a":', '}'),
]

type Container = unknown[] | Record<string, unknown>

/** Every list and object in a value. */
function containersOf(value: unknown): readonly Container[] {
  if (typeof value !== 'object' || value === null) return []
  return [value as Container, ...Object.values(value).flatMap(containersOf)]
}

/** Changes one place of a value: a field or an item goes, comes, is doubled, or gets another value or another name. */
function mutateOnce(root: { value: unknown }, chance: Chance): void {
  const container = chance.pick(containersOf(root))
  const fields = container as Record<string, unknown>
  const keys = Object.keys(fields)
  const key = keys.length > 0 ? chance.pick(keys) : 'value'
  const other = structuredClone(chance.pick(VALUES)())
  switch (chance.below(8)) {
    case 0:
      if (Array.isArray(container)) container.splice(Number(key) || 0, 1)
      else if (container !== root) delete fields[key]
      return
    case 1:
      fields[
        Array.isArray(container) ? container.length : chance.pick(['nextLink', 'value', 'statusCode', 'message', 'x'])
      ] = other
      return
    case 2:
      if (!Array.isArray(container) && container !== root) {
        fields[chance.happens(50) ? key.toUpperCase() : ` ${key} `] = fields[key]
        delete fields[key]
      }
      return
    case 3:
      if (Array.isArray(container)) container.push(...structuredClone(container).slice(0, 3))
      return
    default:
      fields[key] = other
  }
}

/** An answer's value with up to four places changed. */
export function mutated(value: unknown, chance: Chance): unknown {
  const root = { value: structuredClone(value) }
  for (let times = chance.below(5); times > 0; times--) mutateOnce(root, chance)
  return root.value
}

/** The text of an answer: mostly JSON, now and then cut, broken or something else. */
export function mutatedText(value: unknown, chance: Chance): string {
  const text = JSON.stringify(mutated(value, chance)) ?? ''
  if (chance.happens(85)) return text
  return chance.pick([
    () => text.slice(0, chance.below(text.length + 1)),
    () => text.replace(/[a-z]/, '\u0000'),
    () => `\ufeff${text}`,
    () => text + text,
    () => '',
    () => '<html><body>502 Bad Gateway</body></html>',
    () => 'null',
    () => '['.repeat(20_000),
    () => '{"value":'.repeat(5_000),
    () => '{"__proto__":{"value":[]},"value":[{"__proto__":{"reportId":"x"}}],"statusCode":200}',
  ])()
}
