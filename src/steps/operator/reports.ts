import { type Failure, isFailure } from '../../core/failures.ts'
import { isOpen, neededReports } from '../../core/ledger/ledger.ts'
import { isOurs } from '../../core/ledger/remote-names.ts'
import type { Problem } from '../../core/problems.ts'
import { windowId } from '../../core/time/window.ts'
import type { InsightsClient, Report } from '../../services/insights/client.ts'
import type { Services } from '../services.ts'

/** A report at the service, and what of this deployment it is for. */
export type StandingReport = Report & {
  /** This deployment asked for it. */
  readonly ours: boolean
  /** The window whose attempt still needs it: feed and window id. */
  readonly neededBy?: string
}

/** What a person does to a report. The service pauses and resumes only what recurs. */
export type ReportAction = 'pause' | 'resume' | 'delete'

/** Every report of the account that stands at the service, with what still needs it. */
export async function standingReports(
  services: Services,
  insights: InsightsClient,
): Promise<readonly StandingReport[] | Failure> {
  const reports = await insights.reports()
  if (isFailure(reports)) return reports
  const { byReport, unreadable } = await readNeeded(services)
  return reports.map((report): StandingReport => {
    const ours = isOurs(services.settings.deployment, report.reportName)
    const found = byReport.get(report.reportId.toLowerCase()) ?? byReport.get(report.reportName)
    // An entry that cannot be read may need any report of ours.
    const neededBy = found ?? (ours ? unreadable : undefined)
    return { ...report, ours, ...(neededBy !== undefined && { neededBy }) }
  })
}

/** Pauses, resumes or deletes a report. One that an open attempt needs is left alone unless `isSure`. */
export async function changeReport(
  insights: InsightsClient,
  { reportId, neededBy }: StandingReport,
  action: ReportAction,
  isSure: boolean,
): Promise<{ readonly reportId: string; readonly done: ReportAction } | Problem> {
  if (neededBy !== undefined && action !== 'resume' && !isSure) {
    return {
      problem: `report ${reportId} is needed by ${neededBy}, which would wait for it in vain: add --yes if you mean it`,
    }
  }
  const changed = await CHANGES[action](insights, reportId)
  if (isFailure(changed)) return { problem: changed.message }
  if (changed === 'gone') return { problem: `report ${reportId} no longer stands at the service` }
  return { reportId, done: action }
}

const CHANGES: Readonly<
  Record<ReportAction, (insights: InsightsClient, reportId: string) => Promise<Failure | 'gone' | undefined>>
> = {
  pause: async (insights, reportId) => goneOr(await insights.pauseReport(reportId)),
  resume: async (insights, reportId) => goneOr(await insights.resumeReport(reportId)),
  delete: (insights, reportId) => insights.deleteReport(reportId),
}

function goneOr(report: Report | Failure | undefined): Failure | 'gone' | undefined {
  if (report === undefined) return 'gone'
  return isFailure(report) ? report : undefined
}

/** The windows that need a report, by its id, or by its name while its id is unknown; and an entry that cannot be read. */
async function readNeeded({ ledger, settings }: Services) {
  const byReport = new Map<string, string>()
  let unreadable: string | undefined
  const { feeds } = await ledger.appRows()
  for (const feed of feeds.keys()) {
    for await (const { value, window } of ledger.scan(feed)) {
      const by = window ? `${feed} ${windowId(window)}` : feed
      if (isFailure(value)) {
        unreadable ??= `an entry of ${by} that cannot be read, perhaps`
        continue
      }
      for (const reportId of neededReports(value, !settings.deleteReports)) byReport.set(reportId.toLowerCase(), by)
      if (isOpen(value)) byReport.set(value.reportName, by)
    }
  }
  return { byReport, unreadable }
}
