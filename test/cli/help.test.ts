import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openBusy } from '../../cli/busy.ts'
import { EXAMPLES, leavesOf } from '../../cli/examples.ts'
import { createProgram } from '../../cli/program.ts'

const LEAVES = leavesOf(await createProgram()).map(([name]) => name)

/** Whether the command line takes these words: none of the commands is carried out. */
async function isTaken(words: readonly string[]): Promise<boolean> {
  const program = await createProgram()
  let ran = false
  for (const [, command] of leavesOf(program)) {
    command.exitOverride().configureOutput({ writeErr: () => undefined })
    command.action(() => {
      ran = true
    })
  }
  await program.parseAsync(words, { from: 'user' })
  return ran
}

describe('--help', () => {
  it('has an example for every command, and for no other', () => {
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(LEAVES.toSorted())
  })

  it.each(LEAVES)('of %s ends with an example, which the command line takes', async (name) => {
    const program = await createProgram()
    let shown = ''
    for (const [, command] of leavesOf(program)) {
      command.exitOverride().configureOutput({
        writeOut(text) {
          shown += text
        },
      })
    }
    await program.parseAsync([...name.split(' '), '--help'], { from: 'user' }).catch(() => undefined)
    const [, example = ''] = /\nExample:\n {2}npx partner-insights-sync (.+)\n$/.exec(shown) ?? []
    expect(example.startsWith(`${name} `)).toBe(true)
    expect(await isTaken(example.split(' '))).toBe(true)
  })
})

/** A stream that remembers what was written, on a terminal or not. */
function screen(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, clearLine: () => true, cursorTo: () => true })
  let shown = ''
  stream.on('data', (chunk) => {
    shown += String(chunk)
  })
  return { stream: stream as unknown as NodeJS.WriteStream, shown: () => shown }
}

describe('a command that is at work', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('says so on a terminal once it has taken a second, and what it is at, until it ends', async () => {
    const { stream, shown } = screen(true)
    const busy = openBusy('at work', stream)
    vi.advanceTimersByTime(999)
    expect(shown()).toBe('')
    vi.advanceTimersByTime(1)
    await vi.dynamicImportSettled()
    vi.advanceTimersByTime(200)
    expect(shown()).toContain('at work')
    busy.say('reading attempt 2')
    vi.advanceTimersByTime(200)
    expect(shown()).toContain('reading attempt 2')
    busy.end()
    const said = shown()
    vi.advanceTimersByTime(5000)
    expect(shown()).toBe(said)
  })

  it('says nothing if it ends before, and nothing elsewhere', async () => {
    const [terminal, file] = [screen(true), screen(false)]
    openBusy('at work', terminal.stream).end()
    const ending = openBusy('at work', terminal.stream)
    vi.advanceTimersByTime(1000)
    ending.end()
    const busy = openBusy('at work', file.stream)
    vi.advanceTimersByTime(5000)
    await vi.dynamicImportSettled()
    busy.end()
    expect(terminal.shown() + file.shown()).toBe('')
  })
})
