import { describe, expect, test } from 'vitest'
import { present } from '../../src/core/present.ts'

type Report = { readonly name: string; readonly rows?: number; readonly user?: string | null }

describe('present', () => {
  test('leaves out what is undefined, and nothing else', () => {
    const report = present<Report>({ name: '', rows: undefined, user: null })
    expect(Object.entries(report)).toEqual([
      ['name', ''],
      ['user', null],
    ])
    expect(present<Report>({ name: 'seats', rows: 0 })).toEqual({ name: 'seats', rows: 0 })
  })

  test('takes only fields that the type has, and undefined only for optional ones', () => {
    const rows: number | undefined = [1].find((count) => count > 1)
    const reports: readonly Report[] = [present({ name: 'seats', rows })]
    expect(reports).toEqual([{ name: 'seats' }])
    // @ts-expect-error: a misspelt field
    present<Report>({ name: 'seats', row: rows })
    // @ts-expect-error: a required field that may be undefined
    present<Report>({ name: rows?.toString(), rows })
    // @ts-expect-error: no type is expected
    present({ name: 'seats' })
  })
})
