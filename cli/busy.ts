import ora from 'ora'

/** Says on a terminal that a command is still at work, once that has taken a second; elsewhere it says nothing. */
export type Busy = { say(text: string): void; end(): void }

/** Who waits for less sees nothing move. */
const AFTER_MS = 1000

export function openBusy(text: string, stream: NodeJS.WriteStream): Busy {
  if (!stream.isTTY) return { say: () => undefined, end: () => undefined }
  const spinner = ora({ stream, text, discardStdin: false, isEnabled: true })
  const timer = setTimeout(() => spinner.start(), AFTER_MS)
  return {
    say(next) {
      spinner.text = next
    },
    end() {
      clearTimeout(timer)
      // It would show the cursor, which it has not hidden.
      if (spinner.isSpinning) spinner.stop()
    },
  }
}
