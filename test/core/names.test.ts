import { describe, expect, test } from 'vitest'
import { isSameName, nearest } from '../../src/core/names.ts'

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
})
