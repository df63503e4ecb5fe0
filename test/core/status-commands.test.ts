import { describe, expect, test } from 'vitest'
import type { Figures, LedgerEntry } from '../../src/core/ledger/ledger.ts'
import { seeFeed } from '../../src/core/status/feed.ts'
import { windowId } from '../../src/core/time/window.ts'
import { failedMonth, landed, month, NOW, rowOf } from './status-of.ts'

const see = (entries: readonly LedgerEntry[], row = rowOf()) => seeFeed(NOW, { row, entries, unreadable: [] })
const toDoOf = (entries: readonly LedgerEntry[], row = rowOf()) => see(entries, row).toDo

const OURS = 'npx partner-insights-sync'
const MAY = month('2025-05')
const standing = (more: Partial<Figures> = {}) => {
  const { figures } = landed('2025-05', 9, more)
  return figures ? { figures } : {}
}
const IMPORTED = standing({ origin: 'import', archive: 'own.csv' })
const past = { attempt: 2, at: NOW, outcome: 'malformed' } as const

describe('the command of a failed window', () => {
  test('never replaces the rows of a file by those of the service', () => {
    const commandOf = (more: Parameters<typeof failedMonth>[1]) => toDoOf([failedMonth('2025-05', more)])[0]?.command
    const kinds = ['malformed', 'suspicious-empty', 'poison', 'out-of-range', 'no-header'] as const
    for (const kind of kinds) {
      const again = `${OURS} replay azure-usage --month 2025-05 --archive own.csv`
      expect(commandOf({ kind, ...IMPORTED })).toBe(again)
      expect(commandOf({ kind, ...IMPORTED, byPerson: true })).toBe(again)
    }
    const left = { history: [{ ...past, archive: 'failed.csv' }] }
    expect(commandOf({ ...left, byPerson: true })).toBe(`${OURS} replay azure-usage --month 2025-05`)
    const rejects = { history: [{ ...past, archive: 'failed.csv', rejects: 'rejects' }], byPerson: true } as const
    expect(commandOf(rejects)).toBe(`${OURS} rejects --feed azure-usage --month 2025-05`)
  })

  test('and its remedy fit each other where the service no longer has the window', () => {
    const [gap] = toDoOf([failedMonth('2025-05', { kind: 'out-of-range' })])
    expect(gap).toMatchObject({
      remedy: expect.stringMatching(/accept that it has no rows/),
      command: `${OURS} accept-gap azure-usage --month 2025-05`,
    })
    const [kept] = toDoOf([failedMonth('2025-05', { kind: 'out-of-range', ...standing() })])
    expect(kept).toMatchObject({
      remedy: expect.stringMatching(/land them again from their archive/),
      command: `${OURS} replay azure-usage --month 2025-05 --archive blob`,
    })
  })

  test('is none once a person has accepted the window as a gap', () => {
    const entries = [failedMonth('2025-05', { kind: 'out-of-range' })]
    const toDo = toDoOf(entries, { ...rowOf(), acceptedGaps: [windowId(MAY)] })
    expect(toDo.filter(({ kind }) => kind === 'window-failed')).toEqual([])
  })
})
