import { setTimeout as sleep } from 'node:timers/promises'
import ora from 'ora'
import { counted } from '../../src/core/counted.ts'
import type { BackfillView, FeedHistory, Progress } from '../../src/core/plan/backfill.ts'
import { DAY_MS } from '../../src/core/time/durations.ts'
import { minuteText } from '../../src/core/time/instants.ts'
import { lengthWords } from '../../src/core/time/words.ts'
import { type CommandResult, type OutputOptions, written } from '../output.ts'
import { historyLines, viewJson } from './lines.ts'

/** How often the ledger is looked at. */
const EVERY_MS = 5000

/** Where progress is shown: one line that changes on a terminal, a line for each change elsewhere. */
type Display = { show(text: string): void; end(): void }

/** How history stands, and which of its rows cannot be read. */
export type Looked = { readonly view: BackfillView; readonly unreadable: readonly string[] }

/**
 * Shows the progress of history until nothing more of it is coming, or until Ctrl-C. With `--json` it shows nothing until the
 * end. Windows that failed, and rows that cannot be read, make the exit code 1.
 */
export async function watchBackfill(look: () => Promise<Looked>, { json }: OutputOptions): Promise<CommandResult> {
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt)
  const display = json ? SILENT : openDisplay(process.stdout)
  try {
    for (;;) {
      const looked = await look()
      const { view, unreadable } = looked
      display.show(progressLine(view))
      if (isOver(view)) return endOf(looked)
      const isStopped = await sleep(EVERY_MS, false, { signal: stop.signal }).catch(() => true)
      if (isStopped) return { ...written(), exitCode: 130, json: viewJson(view), problems: unreadable }
    }
  } finally {
    display.end()
    process.off('SIGINT', interrupt)
  }
}

const SILENT: Display = { show: () => undefined, end: () => undefined }

export function openDisplay(stream: NodeJS.WriteStream): Display {
  if (stream.isTTY) {
    const spinner = ora({ stream, discardStdin: false, isEnabled: true })
    return {
      show(text) {
        spinner.text = text
        spinner.start()
      },
      end: () => void spinner.stop(),
    }
  }
  let last = ''
  return {
    show(text) {
      if (text !== last) stream.write(`${text}\n`)
      last = text
    },
    end: () => undefined,
  }
}

/** Whether nothing of history is under way, and none of it is asked for within a day, as things are now. */
export function isOver(view: BackfillView): boolean {
  const { feeds, at } = view
  if (feeds.some(({ underWay }) => underWay > 0)) return false
  const next = nextOf(view)
  return next === undefined || next.getTime() - at.getTime() > DAY_MS
}

/** When the app asks for the next report of history. */
function nextOf({ requests }: BackfillView): Date | undefined {
  return requests.find(({ priority }) => priority === 'backfill')?.at
}

function endOf({ view, unreadable }: Looked): CommandResult {
  const { feeds } = view
  const failed = feeds.reduce((sum, each) => sum + each.failed, 0)
  const held = feeds
    .filter(({ progress }) => progress === 'blocked' || progress === 'paused')
    .map(({ feed, progress }) => `${feed} is ${progress}`)
  const problems = [
    ...unreadable,
    ...(failed > 0
      ? [`${counted(failed, 'window')} failed: "status" shows why, and "backfill --failed" asks again`]
      : []),
    ...held,
  ]
  const next = nextOf(view)
  const rest = next ? [`the rest is due later: the app asks for it from ${minuteText(next)} on`] : []
  const lines = [...historyLines(view), ...rest]
  return { exitCode: problems.length === 0 ? 0 : 1, json: viewJson(view), lines, problems }
}

/** How far history is, how fast it goes, and how long it still takes. What is paused or blocked is not counted as to come. */
export function progressLine({ feeds, at, dueNow, dueLater, landedLately, refused }: BackfillView): string {
  const sum = (count: (of: FeedHistory) => number) => feeds.reduce((all, each) => all + count(each), 0)
  const landed = sum((each) => each.landed)
  const failed = sum((each) => each.failed)
  const toCome = ({ waiting, dueLater }: FeedHistory) => waiting + dueLater
  const held = (as: Progress) => sum((each) => (each.progress === as ? toCome(each) : 0))
  const [paused, blocked, disabled] = [held('paused'), held('blocked'), held('disabled')]
  const all = landed + failed + sum((each) => toCome(each) + each.underWay) - paused - blocked - disabled
  return [
    `${landed} of ${counted(all, 'window')} of history landed`,
    `${landedLately} in the last hour`,
    `${sum((each) => each.underWay)} under way`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(paused > 0 ? [`${paused} paused`] : []),
    ...(blocked > 0 ? [`${blocked} blocked`] : []),
    ...(dueNow ? [`about ${lengthWords(dueNow.doneAt.getTime() - at.getTime())} left`] : []),
    ...(dueLater ? [`${dueLater.reports} due later`] : []),
    ...refused.map(({ account }) => `account ${account} cannot sign in`),
  ].join(', ')
}
