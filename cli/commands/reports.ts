import { Argument, type Command } from 'commander'
import { isFailure } from '../../src/core/failures.ts'
import { minuteText } from '../../src/core/time/instants.ts'
import {
  changeReport,
  type ReportAction,
  type StandingReport,
  standingReports,
} from '../../src/steps/operator/reports.ts'
import { type AccountView, listByAccount, openAccounts, type PrintedColumns, problemOf } from '../accounts.ts'
import { addCommand, type CommonOptions, type LocalApp, withApp } from '../command.ts'
import { type CommandResult, done, print, refused } from '../output.ts'

type Options = CommonOptions & { readonly all?: true; readonly yes?: true }

const COLUMNS: PrintedColumns<StandingReport & { readonly account: string }> = [
  ['account', ({ account }) => account],
  ['report', ({ reportId }) => reportId],
  ['state', ({ status = '-' }) => status],
  ['recurs', ({ recurrenceIntervalHours: hours, executeNow }) => (executeNow || !hours ? '-' : `every ${hours} h`)],
  ['created', ({ createdAt }) => (createdAt ? minuteText(createdAt) : '-')],
  ['needed by', ({ neededBy = '-' }) => neededBy],
  ['name', ({ reportName }) => reportName],
]

/** Lists the reports that stand at the service, and pauses, resumes or deletes one of them. */
export function addReports(program: Command): void {
  addCommand(program, 'reports', 'list the reports that stand at the service, or pause, resume or delete one')
    .addArgument(new Argument('[action]', 'what to do to a report').choices(['pause', 'resume', 'delete']))
    .argument('[id]', 'the id of the report')
    .option('--all', 'also the reports of others than this deployment, which is what an id may name then')
    .option('--yes', 'also pause or delete a report that an open attempt needs')
    .action((action: ReportAction | undefined, id: string | undefined, options: Options) => {
      const wrong = wrongUse(action, id, options)
      if (wrong !== undefined) return print(options, async () => refused([wrong], 2))
      return withApp(options, (app) =>
        action && id !== undefined
          ? change(app, action, id, options)
          : listByAccount(app, 'reports', COLUMNS, (view) => list(app, view, options)),
      )
    })
}

function wrongUse(action: ReportAction | undefined, id: string | undefined, { yes }: Options): string | undefined {
  if (action && id === undefined) return `name the report: reports ${action} <id>; "reports" lists their ids`
  return !action && yes ? '--yes goes with pause and delete' : undefined
}

async function list({ services }: LocalApp, { insights }: AccountView, { all }: Options) {
  const found = await standingReports(services, insights)
  return isFailure(found) ? found : found.filter(({ ours }) => all || ours)
}

async function change(app: LocalApp, action: ReportAction, id: string, options: Options): Promise<CommandResult> {
  const views = await openAccounts(app)
  if ('problems' in views) return refused(views.problems)
  const problems: string[] = []
  for (const view of views) {
    const { insights } = view
    const found = await standingReports(app.services, insights)
    if (isFailure(found)) {
      problems.push(problemOf(app, view, found))
      continue
    }
    const report = found.find(({ reportId }) => reportId.toLowerCase() === id.toLowerCase())
    if (!report) continue
    if (!report.ours && !options.all)
      return refused([`report ${id} (${report.reportName}) is not of this deployment: add --all if you mean it`])
    const changed = await changeReport(insights, report, action, options.yes === true)
    if ('problem' in changed) return refused([changed.problem])
    return done(changed, [`report ${report.reportId}: ${DONE[action]}`])
  }
  return refused([...problems, `no report ${id} stands at the service: "reports --all" lists those that do`])
}

const DONE: Readonly<Record<ReportAction, string>> = { pause: 'paused', resume: 'resumed', delete: 'deleted' }
