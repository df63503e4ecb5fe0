metadata description = 'Mails: one rule for events that need a person, one for silence, and a budget.'

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('End of the names.')
param suffix string

@description('Address that the mails go to.')
param email string

@description('Resource id of the workspace.')
param workspaceId string

@description('Amount a month at which a mail warns. 0: no budget.')
param monthlyBudget int

@description('First day of the budget.')
param budgetStart string

// Events that need a person. docs/troubleshooting.md says what each means and what to do.
var alarming = [
  'app.settings'
  'cleanup.failing'
  'credential.expiring'
  'feed.blocked'
  'feed.stale'
  'file.late'
  'queue.old'
  'quota.reduced'
  'timer.silent'
  'window.failed'
]

// A workspace without data does not know its tables yet: isfuzzy leaves a missing one out, but wants one part that it knows.
var eventQuery = '''
union isfuzzy=true (datatable(TimeGenerated: datetime, Message: string)[]), AppTraces
| where Message startswith '{"event":'
| extend event = tostring(parse_json(Message).event)
'''

var silenceQuery = '''
union isfuzzy=true (datatable(TimeGenerated: datetime, OperationName: string, Success: bool)[]), AppRequests
| where OperationName == 'provision' and Success
'''

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'insights'
    emailReceivers: [{ name: 'operator', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource events 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'events-${suffix}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Partner Insights: something needs you'
    description: 'The dimension names the event. Resolved means only that no new one came: see npx partner-insights-sync status --azd-env'
    enabled: true
    severity: 2
    scopes: [workspaceId]
    // Logs may come late: each line is in two looks, and autoMitigate makes one mail of them.
    evaluationFrequency: 'PT15M'
    windowSize: 'PT30M'
    autoMitigate: true
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: '${eventQuery}| where event in (\'${join(alarming, '\', \'')}\')'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [{ name: 'event', operator: 'Include', values: ['*'] }]
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [mail.id] }
  }
}

resource silence 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'silence-${suffix}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Partner Insights: no timer has run for an hour'
    description: 'It also fires between the first provision and the first run. Else see docs/troubleshooting.md, timer.silent.'
    enabled: true
    severity: 1
    scopes: [workspaceId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    autoMitigate: true
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: silenceQuery
          timeAggregation: 'Count'
          operator: 'LessThan'
          threshold: 1
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [mail.id] }
  }
}

// Azure takes no other first day afterwards, so it is made once. Change the amount in the portal.
@onlyIfNotExists()
resource budget 'Microsoft.Consumption/budgets@2023-11-01' = if (monthlyBudget > 0) {
  name: 'budget-${suffix}'
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: { startDate: budgetStart }
    notifications: {
      actual: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: [email]
      }
      forecast: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: [email]
      }
    }
  }
}
