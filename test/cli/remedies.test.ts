import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../../cli/program.ts'
import { adviceOn, BROKEN_FILE, FAILURES, type FailureKind, filled, PROGRAM } from '../../src/core/failures.ts'
import { AUTH_MODES } from '../../src/core/feeds/fields.ts'
import type { Failed } from '../../src/core/ledger/ledger.ts'
import { present } from '../../src/core/present.ts'
import { signInAdvice } from '../../src/core/status/accounts.ts'
import { adviceOnEntry, GONE, PASSED } from '../../src/core/status/failed-window.ts'
import { failedMonth, landed } from '../core/status-of.ts'

// What a person is told to type is a command of the command line, with arguments that it takes.

const ABOUT = { account: 'emea', feed: 'usage', window: '--month 2025-03' }
const COMMAND_LINE = await createProgram()
const KINDS = Object.keys(FAILURES) as FailureKind[]

/** Every command of an advice: those of its remedy stand in quotes, without the name of the program. */
function commandsIn(remedy: string, command: string): readonly string[] {
  return [command.slice(PROGRAM.length + 1), ...Array.from(remedy.matchAll(/"([^"]+)"/g), ([, text = '']) => text)]
}

/** Parses a command as the command line does, and runs nothing. */
function parse(text: string): void {
  let command: Command = COMMAND_LINE
  let words = text.replace('<file>', 'usage.csv').split(' ')
  for (;;) {
    const next = command.commands.find((each) => each.name() === words[0])
    if (!next) break
    command = next
    words = words.slice(1)
  }
  expect(command.parent, text).not.toBeNull()
  const { operands, unknown } = command.parseOptions(words)
  expect({ text, unknown, tooMany: operands.slice(command.registeredArguments.length) }).toEqual({
    text,
    unknown: [],
    tooMany: [],
  })
  const missing = command.registeredArguments.filter(({ required }, index) => required && operands[index] === undefined)
  expect({ text, missing: missing.map((each) => each.name()) }).toEqual({ text, missing: [] })
}

describe('the remedy of a failure', () => {
  it.each(KINDS)('%s names a command that exists, with its arguments filled in', (kind) => {
    const { remedy, command } = adviceOn(kind, ABOUT)
    expect(remedy + command).not.toMatch(/<(?!file>)/)
    for (const text of commandsIn(remedy, command)) parse(text)
  })

  it.each(KINDS)(
    '%s of a report names commands that exist, also where the service no longer offers its window',
    (kind) => {
      for (const unasked of [[], [GONE], [PASSED]] as const)
        for (const more of [{}, { archive: 'blob' }, { archive: 'blob', broken: true as const }]) {
          const { remedy, command } = adviceOnEntry(failedMonth('2025-03', { kind, ...more }) as Failed, ...unasked)
          expect(remedy + command).not.toMatch(/<(?!file>|account>)/)
          for (const text of commandsIn(remedy, command)) parse(text)
        }
    },
  )

  it.each(KINDS)('%s of a landing that a person asked for names commands that exist', (kind) => {
    const stands = [undefined, landed('2025-03', 9), landed('2025-03', 9, { origin: 'import' })]
    for (const figures of stands.map((entry) => entry?.figures))
      for (const origin of ['service', 'import'] as const)
        for (const archive of ['blob', 'another']) {
          const more = present<Partial<Failed>>({ kind, byPerson: true, origin, archive, figures })
          for (const entry of [failedMonth('2025-03', more), failedMonth('2025-03', { ...more, cut: true })]) {
            const { remedy, command } = adviceOnEntry(entry as Failed)
            expect(remedy + command).not.toMatch(/<(?!file>)/)
            for (const text of commandsIn(remedy, command)) parse(text)
          }
        }
  })

  // What ends each kind: a file without the mistake, a right that was given, another report, another sign-in, a decision.
  it.each<[string, readonly FailureKind[]]>([
    ['feeds push', ['query-refused', 'column-missing', 'column-new', 'outside-window', 'table-taken']],
    ['unblock usage', ['forbidden', 'redacted']],
    [`retry usage ${ABOUT.window}`, ['deadline', 'storage', 'poison', 'link-refused', 'malformed', 'no-header']],
    [`retry usage ${ABOUT.window} --accept-empty`, ['suspicious-empty']],
    [`rejects --feed usage ${ABOUT.window}`, ['too-many-rejects']],
    ['consent --account emea', ['unauthorized', 'mfa-required']],
    [`accept-gap usage ${ABOUT.window}`, ['out-of-range']],
    [`forget usage ${ABOUT.window}`, ['unreadable-entry']],
    ['doctor', ['unavailable']],
  ])('is "%s" for these kinds alone: %s', (command, kinds) => {
    expect(KINDS.filter((kind) => adviceOn(kind, ABOUT).command === `${PROGRAM} ${command}`)).toEqual(kinds)
  })

  it('of a broken file says what is broken and asks for it again, and speaks of no types', () => {
    const { remedy, command } = filled(BROKEN_FILE, ABOUT)
    expect([remedy, command]).toEqual([
      expect.stringContaining('"retry usage --month 2025-03"'),
      `${PROGRAM} rejects --feed usage --month 2025-03`,
    ])
    expect(remedy).not.toMatch(/types of the feed|maxRejects|replay/)
    for (const text of commandsIn(remedy, command)) parse(text)
  })

  it.each([...AUTH_MODES, undefined])(
    'of a sign-in by %s names the command or the secret, and the settings once at most',
    (auth) => {
      const { remedy, command } = signInAdvice('unauthorized', 'emea', auth)
      parse(command.slice(PROGRAM.length + 1))
      const isByPerson = auth === 'refresh-token'
      expect(command).toBe(isByPerson ? `${PROGRAM} consent --account emea` : `${PROGRAM} doctor`)
      expect(`${remedy}`.match(/PARTNER_/g)?.length ?? 0).toBeLessThanOrEqual(1)
      if (auth === 'client-secret') expect(remedy).toMatch(/partner-emea-client-secret .*PARTNER_CLIENT_SECRET__EMEA/)
      if (auth === 'password') expect(remedy).toMatch(/partner-emea-password .*PARTNER_PASSWORD__EMEA/)
      const mfa = signInAdvice('mfa-required', 'emea', auth)
      parse(mfa.command.slice(PROGRAM.length + 1))
    },
  )
})
