import { join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { type HostProcess, makeApp, runHost } from './host-process.ts'
import { freshName } from './storage.ts'

/** A small app with one function of each kind that the stand-in host knows. */
export const FIXTURE_APP = join(import.meta.dirname, '../local/fixture-app.ts')

/** Makes the folder of the fixture app, with the given host.json. */
export const makeFixtureApp = (hostJson?: object): Promise<string> => makeApp(FIXTURE_APP, hostJson)

/** What the fixture app needs in its environment: storage, a queue of its own, and a timer that never fires. */
export function fixtureSettings(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const schedule = '0 0 0 1 1 *'
  return { DataStorage: inject('storage'), FIXTURE_QUEUE: freshName('q'), FIXTURE_SCHEDULE: schedule, ...more }
}

/** Starts a host on the folder of the fixture app for one test, and ends it after the test. */
export async function startFixtureHost(root: string, more?: NodeJS.ProcessEnv): Promise<HostProcess> {
  const host = await runHost(root, fixtureSettings(more))
  onTestFinished(host.stop)
  return host
}
