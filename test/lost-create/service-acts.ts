import { randomUUID } from 'node:crypto'
import { callbackAddress } from '../../local/simulator/callbacks.ts'
import type { Services } from '../../src/steps/services.ts'
import { callBack } from '../setup/callback.ts'
import type { TestClock } from '../setup/clock.ts'
import type { Asked } from './insights.ts'
import type { Twin } from './twin.ts'

type Acting = {
  readonly twin: Twin
  readonly clock: TestClock
  readonly services: Services
  readonly asked: readonly Asked[]
  /** Callbacks that were made, and reports that the service deleted. */
  readonly done: Set<string>
}

/** Makes every callback that is due by now, each once, and deletes the reports that the service does not keep. */
export async function serviceActs(acting: Acting): Promise<void> {
  const { twin, clock, asked, done } = acting
  const now = clock.now().getTime()
  for (const each of [...asked]) {
    const { reportId, fate, madeAt } = each
    if (reportId === undefined) continue
    for (const [nth, after] of fate.calls.entries()) {
      const call = `${reportId} ${nth}`
      if (madeAt + after > now || done.has(call)) continue
      done.add(call)
      await deliver(acting, each, reportId)
    }
    if (madeAt + (fate.removedAfter ?? Number.POSITIVE_INFINITY) > now || done.has(reportId)) continue
    done.add(reportId)
    await twin.client.deleteReport(reportId)
  }
}

async function deliver({ asked, services }: Acting, of: Asked, reportId: string): Promise<void> {
  const { callbackUrl = '', queryId } = of.request
  const other = asked.find((each) => each.reportId && each.reportId !== reportId && each.request.queryId === queryId)
  const ids = of.fate.isMisnamed ? [other?.reportId ?? randomUUID(), reportId] : [reportId]
  for (const id of ids) {
    const status = await callBack(new URL(callbackAddress(callbackUrl, 'POST', id)).pathname, services)
    if (status !== 202) throw new Error(`a callback of ${of.feed} ${of.window} ${of.attempt} was answered ${status}`)
  }
}
