import type { Ora } from 'ora'

/** Says on a terminal that a command is still at work, once that has taken a second; elsewhere it says nothing. */
export type Busy = { say(text: string): void; end(): void }

/** Who waits for less sees nothing move. */
const AFTER_MS = 1000

export function openBusy(text: string, stream: NodeJS.WriteStream): Busy {
  if (!stream.isTTY) return { say: () => undefined, end: () => undefined }
  let said = text
  let ended = false
  let spinner: Ora | undefined
  const timer = setTimeout(async () => {
    // Loaded only now: most commands end before.
    const { default: ora } = await import('ora')
    if (!ended) spinner = ora({ stream, text: said, discardStdin: false, isEnabled: true }).start()
  }, AFTER_MS)
  return {
    say(next) {
      said = next
      if (spinner) spinner.text = next
    },
    end() {
      ended = true
      clearTimeout(timer)
      spinner?.stop()
    },
  }
}
