import type { Command } from 'commander'

/** What a person types for the most frequent use of each command, without the name of the program. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  status: 'status --feed azure-usage',
  backfill: 'backfill --dry-run --feed azure-usage',
  retry: 'retry azure-usage --month 2025-03',
  replay: 'replay azure-usage --month 2025-03',
  import: 'import azure-usage march.csv --month 2025-03',
  diff: 'diff azure-usage --month 2025-03',
  rejects: 'rejects --feed azure-usage --month 2025-03',
  forget: 'forget azure-usage --month 2025-03',
  unblock: 'unblock azure-usage',
  'accept-gap': 'accept-gap azure-usage --month 2025-03',
  validate: 'validate --feeds feeds.json',
  'feeds push': 'feeds push --feeds feeds.json',
  'feeds pull': 'feeds pull --feeds feeds.json',
  'feeds diff': 'feeds diff --json',
  datasets: 'datasets AzureUsage',
  queries: 'queries --json',
  reports: 'reports delete 0b1a4c2e-6f0d-4d5e-9c3b-2f8a7e6d5c4b',
  cleanup: 'cleanup --yes',
  doctor: 'doctor --app https://contoso.azurewebsites.net --key <key>',
  consent: 'consent --account default',
}

/** The commands that do something, with their names as a person types them: `feeds push`. */
export function leavesOf(parent: Command, before = ''): readonly (readonly [name: string, command: Command])[] {
  return parent.commands.flatMap((command) => {
    const name = `${before}${command.name()}`
    return command.commands.length > 0 ? leavesOf(command, `${name} `) : [[name, command] as const]
  })
}

/** Ends the help of each command with its example. */
export function addExamples(program: Command): void {
  for (const [name, command] of leavesOf(program)) {
    const example = EXAMPLES[name]
    if (example !== undefined) command.addHelpText('after', `\nExample:\n  npx ${program.name()} ${example}`)
  }
}
