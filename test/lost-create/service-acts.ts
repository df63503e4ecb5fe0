import { randomUUID } from 'node:crypto'
import { callbackAddress } from '../../local/simulator/callbacks.ts'
import { callback } from '../../src/steps/callback.ts'
import type { Services } from '../../src/steps/services.ts'
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
      await callBack(acting, each, reportId)
    }
    if (madeAt + (fate.removedAfter ?? Number.POSITIVE_INFINITY) > now || done.has(reportId)) continue
    done.add(reportId)
    await twin.client.deleteReport(reportId)
  }
}

async function callBack({ asked, services }: Acting, { fate, request }: Asked, reportId: string): Promise<void> {
  const { callbackUrl = '', queryId } = request
  const other = asked.find((each) => each.reportId && each.reportId !== reportId && each.request.queryId === queryId)
  const ids = fate.isMisnamed ? [other?.reportId ?? randomUUID(), reportId] : [reportId]
  for (const id of ids) await deliver(services, callbackAddress(callbackUrl, 'POST', id))
}

/** The route of the callback function, as the host would split it. */
async function deliver(services: Services, address: string): Promise<void> {
  const [, , , feed = '', window = '', attempt = '', token = '', reportId] = new URL(address).pathname.split('/')
  const status = await callback({ feed, window, attempt, token, reportId }, services)
  if (status !== 202) throw new Error(`a callback of ${feed} ${window} ${attempt} was answered ${status}`)
}
