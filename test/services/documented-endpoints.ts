/**
 * The table of endpoints in the documents (Partner Insights programmatic access, API reference), by the function of the
 * client.
 */
export const DOCUMENTED_ENDPOINTS = {
  listDatasets: 'GET /ScheduledDataset',
  listQueries: 'GET /ScheduledQueries',
  createQuery: 'POST /ScheduledQueries',
  deleteQuery: 'DELETE /ScheduledQueries/{queryId}',
  testQuery: 'GET /ScheduledQueries/testQueryResult',
  listReports: 'GET /ScheduledReport',
  createReport: 'POST /ScheduledReport',
  updateReport: 'PUT /ScheduledReport/{reportId}',
  deleteReport: 'DELETE /ScheduledReport/{reportId}',
  pauseReport: 'PUT /ScheduledReport/pause/{reportId}',
  resumeReport: 'PUT /ScheduledReport/resume/{reportId}',
  listExecutions: 'GET /ScheduledReport/execution/{reportId}',
} as const

export type EndpointName = keyof typeof DOCUMENTED_ENDPOINTS
