import { callback } from '../../src/steps/callback.ts'
import type { Services } from '../../src/steps/services.ts'

/** Calls the callback step with the parts of a path, as the Functions host splits it. Gives the status of the answer. */
export function callBack(path: string, services: Services): Promise<number> {
  const [, , , feed = '', window = '', attempt = '', token = '', reportId] = path.split('/')
  return callback({ feed, window, attempt, token, reportId }, services)
}
