import { describe, expect, test } from 'vitest'
import { isSameName, listed, nearest, quoted } from '../../src/core/names.ts'

describe('names of the service', () => {
  test.each([
    ['AzureUsage', 'azureUSAGE', true],
    [' Month', 'month\t', true],
    ['', ' ', true],
    ['Month', 'Months', false],
    ['Is Trial', 'IsTrial', false],
  ])('%j and %j are the same: %s, ignoring case and the blanks around them', (name, other, same) => {
    expect(isSameName(name, other)).toBe(same)
    expect(isSameName(other, name)).toBe(same)
  })

  test('the nearest takes the fewest changed letters, whatever the case, and is the first of several', () => {
    expect(nearest('MONTHS', ['Market', 'Month', 'MonthKey'])).toBe('Month')
    expect(nearest('flaw', ['lawn', 'flow', 'flows'])).toBe('flow')
    expect(nearest('abcd', ['abce', 'abcf'])).toBe('abce')
    expect(nearest('xyz', ['abc', ''])).toBeUndefined()
    expect(nearest('abc', [])).toBeUndefined()
  })

  test('are shown in a message without what a terminal would do, and none of them at length', () => {
    const names = ['Mo\u0085n\u202eth', 'a\nb', `${'y'.repeat(59)}SECRET`, 'Z'.repeat(60)]
    const shown = ['Mo n th', 'a b', `${'y'.repeat(59)}…`, 'Z'.repeat(60)]
    expect(listed(names)).toBe(shown.join(', '))
    expect(quoted(names)).toBe(shown.map((name) => `"${name}"`).join(', '))
  })
})
