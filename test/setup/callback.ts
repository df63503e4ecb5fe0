import { callback } from '../../src/steps/callback.ts'
import type { Services } from '../../src/steps/services.ts'

/** Hands a path to the callback step in the parts of its route, as the Functions host does; gives the status it answers. */
export function callBack(path: string, services: Services): Promise<number> {
  const [, , , feed = '', window = '', attempt = '', token = '', reportId] = path.split('/')
  return callback({ feed, window, attempt, token, reportId }, services)
}
