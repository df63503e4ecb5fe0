import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../local/processes.ts'
import { retry } from '../../src/steps/operator/retry.ts'
import { PAGES, textOf } from '../docs/page.ts'
import { type Deployment, type Run, startDeployment } from './deployment.ts'

const NAME = 'npx partner-insights-sync '

/** Commands that need an app on Azure: they name it. */
const NEEDS_AZURE = /<site host>|--azd-env/

/** What pulls feeds comes after what pushes them, and what removes rows comes last. */
const LAST = ['feeds pull', 'erase']

/** Every command of README and docs, as a person copies it. Those with other places for words, such as `<name>`, are patterns. */
const TYPED = [...new Set(PAGES.flatMap((page) => commandsIn(textOf(page))))].toSorted(byHarm)

function commandsIn(page: string): readonly string[] {
  const blocks = Array.from(page.matchAll(/^```sh\n(.*?)^```/gms), ([, text = '']) => text.split('\n'))
  const inline = Array.from(page.matchAll(/`(npx partner-insights-sync [^`\n]+)`/g), ([, text = '']) => text)
  return [...blocks.flat(), ...inline].filter((line) => line.startsWith(NAME)).map((line) => line.slice(NAME.length))
}

function byHarm(a: string, b: string): number {
  const rank = (command: string) => LAST.findIndex((name) => command.startsWith(name))
  return rank(a) - rank(b)
}

const FEEDS = [
  {
    name: 'azure-usage',
    dataset: 'AzureUsage',
    columns: ['Month', 'CustomerName', 'UsageQuantity'],
    from: '2025-03-01',
    to: '2025-05-01',
  },
  {
    name: 'learn',
    dataset: 'MSLearn',
    columns: ['CompletionDate', 'TrainingName'],
    from: '2025-01-07',
    to: '2025-01-09',
  },
]

let deployment: Deployment
beforeAll(async () => {
  deployment = await startDeployment(FEEDS)
  const { services, folder } = deployment
  for (const feed of ['azure-usage', 'learn']) await deployment.run(feed)
  // A second landing of the month that the pages compare.
  const march = { from: new Date('2025-03-01T00:00:00Z'), to: new Date('2025-04-01T00:00:00Z') }
  expect(await retry(services, 'azure-usage', march, false)).not.toHaveProperty('problem')
  await deployment.run('azure-usage')
  await writeFile(join(folder, 'old.csv'), 'CompletionDate,TrainingName\r\n2025-01-06T00:00:00Z,Basics\r\n')
  await mkdir(join(folder, '.local'))
  await cp(join(folder, 'local.settings.json'), join(folder, '.local/settings.json'))
})
afterAll(() => deployment.close())

it.each(TYPED.filter((command) => !NEEDS_AZURE.test(command)))('%s works as the pages have it', async (command) => {
  let run: Run | undefined
  void deployment.command(command.split(' ')).then((ended) => {
    run = ended
  })
  // Some commands wait until what they began has landed.
  await waitUntil('the command ends', async () => {
    for (const feed of ['azure-usage', 'learn']) await deployment.settle(feed)
    return run !== undefined
  })
  // The folder has settings of its own and those of a local run: which of them count is said, and nothing else.
  const settings =
    'settings of the environment and local.settings.json: add --settings .local/settings.json for the local run'
  expect({ exit: run?.exit, err: run?.err?.replace(`${settings}\n`, '') }, run?.out).toEqual({ exit: 0, err: '' })
})

it('the pages have commands, and name the ones that need Azure', () => {
  expect(TYPED.length).toBeGreaterThan(15)
  expect(TYPED.filter((command) => command.includes('<')).every((command) => NEEDS_AZURE.test(command))).toBe(true)
})
