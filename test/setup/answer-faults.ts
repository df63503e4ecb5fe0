import type { Fields, Shape } from '../../src/core/status/shape.ts'

/** What of an answer is not as its table of fields says: a line for each fault. Fields that the table lacks are faults, too. */
export function answerFaults(fields: Fields, answer: unknown, path = ''): readonly string[] {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return [`${path} is no object`]
  const given = new Map<string, unknown>(Object.entries(answer))
  const unknown = [...given.keys()].filter((name) => !(name in fields)).map((name) => `${path}.${name} is not known`)
  const wrong = Object.entries(fields).flatMap(([name, { is, optional }]) => {
    const value = given.get(name)
    if (value === undefined) return optional ? [] : [`${path}.${name} is missing`]
    return shapeFaults(is, value, `${path}.${name}`)
  })
  return [...unknown, ...wrong]
}

function shapeFaults(shape: Shape, value: unknown, path: string): readonly string[] {
  if (shape === 'text') return fault(typeof value === 'string', path, 'text')
  if (shape === 'count') return fault(Number.isInteger(value), path, 'a whole number')
  if (shape === 'flag') return fault(typeof value === 'boolean', path, 'true or false')
  if (shape === 'instant') return fault(isInstant(value), path, 'a time')
  if ('words' in shape) return fault(shape.words.includes(String(value)), path, shape.words.join('|'))
  if ('fields' in shape) return answerFaults(shape.fields, value, path)
  if ('list' in shape) {
    if (!Array.isArray(value)) return [`${path} is no list`]
    return value.flatMap((each, at) => shapeFaults(shape.list, each, `${path}[${at}]`))
  }
  return Object.entries(value ?? {}).flatMap(([name, each]) => shapeFaults(shape.byName, each, `${path}.${name}`))
}

function isInstant(value: unknown): boolean {
  const date = new Date(typeof value === 'string' ? value : Number.NaN)
  return !Number.isNaN(date.getTime()) && date.toISOString() === value
}

function fault(isRight: boolean, path: string, expected: string): readonly string[] {
  return isRight ? [] : [`${path} is not ${expected}`]
}
