import { describePoints } from './every-point.ts'

describePoints({
  sweep: ['queue.send', 'insights.listReports', 'insights.deleteReport', 'table.list'],
  ingest: [
    'insights.execution',
    'insights.listReports',
    'download',
    'archive.commit',
    'table.transaction',
    'ledger.transaction',
    'ledger.delete',
    'archive.delete',
    'insights.deleteReport',
    'queue.send',
    'queue.complete',
  ],
})
