/** Every endpoint of the service; the client has a function of each name. */
export const ENDPOINTS = {
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

export type EndpointName = keyof typeof ENDPOINTS
