import type { Command } from 'commander'
import { doctorMeans } from '../../src/app/doctor-means.ts'
import { addressProblem } from '../../src/core/address.ts'
import { type Finding, isWell, problem } from '../../src/core/doctor.ts'
import { reasonOf } from '../../src/services/safe-text.ts'
import { doctor } from '../../src/steps/doctor/doctor.ts'
import { addCommand, type CommonOptions, openLocalApp } from '../command.ts'
import { signInProblem } from '../operator.ts'
import { type CommandResult, print, refused } from '../output.ts'

type Options = CommonOptions & { readonly app?: string; readonly key?: string }

/** The scope of tokens for all storage services. */
const STORAGE_SCOPE = 'https://storage.azure.com/.default'

/** Azure ends an HTTP request after 230 seconds, even if `functionTimeout` is longer (Function app time-out duration). */
const APP_LIMIT_MS = 230_000

/** Checks everything that the app needs, from this machine or (with --app) inside the app with its own identity. */
export function addDoctor(program: Command): void {
  addCommand(program, 'doctor', 'check everything that the app needs, with a remedy for each problem')
    .option('--app <url>', 'run the checks inside the deployed app, https://<site host>')
    .option('--key <key>', 'a function key of that app')
    .action((options: Options) =>
      print(options, async () => {
        if (options.app === undefined) return resultOf(await lookHere(options))
        if (options.key === undefined) return refused(['--app needs a function key: use --key'], 2)
        const wrong = addressProblem(options.app)
        if (wrong) return refused([`--app ${wrong}`], 2)
        return resultOf(await lookThere(new URL(options.app), options.key))
      }),
    )
}

async function lookHere(options: Options): Promise<readonly Finding[]> {
  const app = await openLocalApp(options)
  if ('problems' in app) return wrongSettings(app.problems)
  const { settings, services, storage } = app
  const nobody = settings.storage.kind === 'identity' && (await signInProblem(STORAGE_SCOPE, app.env))
  // Every other check would fail for this one reason.
  if (nobody) return [problem('azure', nobody, 'The checks need you: sign in, and run doctor again.')]
  return (await doctor(doctorMeans(settings, services, storage))).findings
}

function wrongSettings(problems: readonly string[]): readonly Finding[] {
  const remedy = 'Correct it in the environment or the settings file; local.settings.sample.json shows the names.'
  return problems.map((each) => problem('settings', each, remedy))
}

async function lookThere(app: URL, key: string): Promise<readonly Finding[]> {
  try {
    const signal = AbortSignal.timeout(APP_LIMIT_MS)
    const headers = { 'x-functions-key': key }
    const response = await fetch(`${app.origin}/api/run/doctor`, { method: 'POST', headers, signal, redirect: 'error' })
    if (response.status === 200) return ((await response.json()) as { findings: Finding[] }).findings
    return [problem('app', `the app answered ${response.status}`, APP_REMEDIES[response.status] ?? 'Read its log.')]
  } catch (error) {
    return [problem('app', `the app gave no answer (${reasonOf(error)})`, 'Check --app, and check that the app runs.')]
  }
}

const APP_REMEDIES: Readonly<Record<number, string>> = {
  401: 'Check --key: it takes a function key of the app.',
  404: 'Check --app. If it is right, deploy this version of the app.',
  503: 'Its settings are wrong or its storage does not answer. Read the event app.settings in its log.',
}

function resultOf(findings: readonly Finding[]): CommandResult {
  const well = isWell(findings)
  return { exitCode: well ? 0 : 1, json: { well, findings }, lines: findings.map(lineOf) }
}

function lineOf({ check, level, message, remedy }: Finding): string {
  const line = `${level.padEnd(7)}  ${check}: ${message}`
  return remedy === undefined ? line : `${line}. ${remedy}`
}
