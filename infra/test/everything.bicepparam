using '../main.bicep'

param environmentName = 'everything'
param location = 'westeurope'
param operatorPrincipalId = '00000000-0000-0000-0000-0000000000aa'
param operatorPrincipalType = 'Group'
param instanceMemoryMB = 512
param maximumInstanceCount = 100
param partnerAuth = 'managed-identity'
param partnerTenantId = 'contoso.onmicrosoft.com'
param partnerClientId = '00000000-0000-0000-0000-0000000000bb'
param insightsBaseUrl = 'https://api.partnercenter.microsoft.com/insights/v1/cmp'
param callbackSecret = 'a secret of the snapshot'
param alertEmail = 'reports@contoso.com'
param monthlyBudget = 20
param budgetStart = '2026-01-01'
param logRetentionDays = 90
param dailyLogCapGb = 2
param purgeProtection = true
param extraAppSettings = { MAX_REPORTS_PER_HOUR: '10' }
