metadata description = 'Everything that partner-insights-sync needs in one subscription. docs/deploy.md describes it.'

targetScope = 'subscription'

@description('Name of the azd environment. The names of all resources are made from it, the subscription and the region.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of the resource group and of everything in it.')
@minLength(1)
@metadata({ azd: { type: 'location' } })
param location string

@description('Object id of the person or application that works with the commands. Empty: nobody gets a role.')
param operatorPrincipalId string = ''

@description('What operatorPrincipalId is. A ServicePrincipal, such as that of a pipeline, gets no role.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorPrincipalType string = 'User'

@description('Memory of one instance in MiB. With 512, Node gets the arguments that the bench measures memory with.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Highest number of instances for one group of functions. Not every region takes less than 40.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('How the app signs in at Partner Center.')
@allowed(['refresh-token', 'client-secret', 'certificate', 'managed-identity'])
param partnerAuth string = 'refresh-token'

@description('The partner tenant, as an id or a domain.')
param partnerTenantId string = ''

@description('Client id of the app registration in the partner tenant.')
param partnerClientId string = ''

@description('Address of the Partner Insights API. Empty: the default of the app.')
param insightsBaseUrl string = ''

@description('Whether the service calls back when a report is ready. Without, the sweep asks.')
param callbacks bool = true

@description('Signs the callback addresses. It is written once, when the vault has no such secret, and never again.')
@secure()
param callbackSecret string = '${newGuid()}${newGuid()}'

@description('Address that alarms go to. Empty: no alarms, and no cost for them.')
param alertEmail string = ''

@description('Amount a month at which a mail warns, in the currency of the subscription. 0: no budget.')
@minValue(0)
param monthlyBudget int = 0

@description('First day of the budget. Azure takes no day before the current month.')
param budgetStart string = utcNow('yyyy-MM-01')

@description('How many days the logs are kept. Up to 31 days cost nothing.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('After how many GB a day no more logs are taken.')
@minValue(1)
param dailyLogCapGb int = 1

@description('Whether nobody can purge a deleted vault before its time. The same name is then taken for a week after azd down.')
param purgeProtection bool = false

@description('Further app settings, such as MAX_REPORTS_PER_HOUR. A setting by hand is lost at the next provision; these stay.')
param extraAppSettings object = {}

// A pipeline only deploys: it needs no role on the data.
var operatorId = operatorPrincipalType == 'ServicePrincipal' ? '' : operatorPrincipalId

// Settings of the app that the commands of a person need too. No other is told: outputs stand in a file in clear.
var told = [
  'ADOPT_AFTER'
  'DELETE_REPORTS'
  'INGEST_TIME_LIMIT'
  'LEASE'
  'MAX_IN_FLIGHT'
  'MAX_REPORTS_PER_HOUR'
  'MAX_REPORT_BYTES'
  'MAX_TRIES'
  'PARTNER_AUTH'
  'PARTNER_AUTHORITY_HOST'
  'PARTNER_CLIENT_ID'
  'PARTNER_TENANT_ID'
  'PARTNER_USERNAME'
  'POLL_EVERY'
  'PROVISION_SCHEDULE'
  'REPORT_DEADLINE'
  'REPORT_DOWNLOAD_HOSTS'
  'SWEEP_SCHEDULE'
  'TOKEN_HEADER'
]
// A setting of another account is that of the default one with __ and the account's name behind it. A semicolon in a value
// would begin another setting.
var extraToTell = filter(
  items(extraAppSettings),
  each => contains(told, split(each.key, '__')[0]) && !contains(string(each.value), ';')
)

// It has a parameter, and who wrote it to the further settings means the same.
var serviceAddress = insightsBaseUrl != '' ? insightsBaseUrl : extraAppSettings.?INSIGHTS_BASE_URL ?? ''

var otherAccounts = map(
  filter(objectKeys(extraAppSettings), name => startsWith(name, 'PARTNER_') && contains(name, '__')),
  name => substring(name, indexOf(name, '__') + 2)
)
// An account that says nothing signs in with a refresh token.
var waysToSignIn = concat(
  [partnerAuth],
  map(otherAccounts, name => extraAppSettings[?'PARTNER_AUTH__${name}'] ?? 'refresh-token')
)

var tags = { 'azd-env-name': environmentName }
var suffix = toLower(uniqueString(subscription().id, environmentName, location))
// The app's own default would be cut from the site's name and keep 8 characters of this end.
var deploymentId = substring(suffix, 0, 12)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { name: 'id-${suffix}', location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: 'log-${suffix}'
    componentName: 'appi-${suffix}'
    location: location
    tags: tags
    identityPrincipalId: identity.outputs.principalId
    retentionDays: logRetentionDays
    dailyCapGb: dailyLogCapGb
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    hostAccountName: 'sthost${suffix}'
    dataAccountName: 'stdata${suffix}'
    location: location
    tags: tags
    identityPrincipalId: identity.outputs.principalId
    operatorPrincipalId: operatorId
    operatorPrincipalType: operatorPrincipalType
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  params: {
    name: 'kv-${suffix}'
    location: location
    tags: tags
    identityPrincipalId: identity.outputs.principalId
    storesTokens: contains(waysToSignIn, 'refresh-token')
    operatorPrincipalId: operatorId
    operatorPrincipalType: operatorPrincipalType
    purgeProtection: purgeProtection
    callbackSecret: callbackSecret
  }
}

module app 'modules/app.bicep' = {
  scope: group
  params: {
    appName: 'func-${suffix}'
    planName: 'plan-${suffix}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    hostBlobUri: storage.outputs.hostBlobUri
    packageContainerUri: storage.outputs.packageContainerUri
    dataTableUri: storage.outputs.dataTableUri
    dataBlobUri: storage.outputs.dataBlobUri
    dataQueueUri: storage.outputs.dataQueueUri
    insightsConnectionString: monitoring.outputs.connectionString
    vaultUri: vault.outputs.uri
    callbackSecretUri: vault.outputs.callbackSecretUri
    deploymentId: deploymentId
    partnerAuth: partnerAuth
    partnerTenantId: partnerTenantId
    partnerClientId: partnerClientId
    insightsBaseUrl: serviceAddress
    callbacks: callbacks
    extraAppSettings: extraAppSettings
  }
}

module alerts 'modules/alerts.bicep' = if (alertEmail != '') {
  scope: group
  params: {
    location: location
    tags: tags
    suffix: suffix
    email: alertEmail
    workspaceId: monitoring.outputs.workspaceId
    monthlyBudget: monthlyBudget
    budgetStart: budgetStart
  }
}

@description('Tenant of the subscription, which a person asks for tokens of.')
output AZURE_TENANT_ID string = tenant().tenantId

@description('Resource group of everything.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the function app.')
output APP_NAME string = app.outputs.name

@description('Resource id of the function app.')
output APP_ID string = app.outputs.id

@description('Address of the function app.')
output APP_URL string = app.outputs.url

@description('Tells deployments apart at the service.')
output DEPLOYMENT_ID string = deploymentId

@description('Vault with the secrets of the partner accounts.')
output KEY_VAULT_URL string = vault.outputs.uri

@description('Table service of the data account.')
output DATA_TABLE_URI string = storage.outputs.dataTableUri

@description('Blob service of the data account.')
output DATA_BLOB_URI string = storage.outputs.dataBlobUri

@description('Queue service of the data account.')
output DATA_QUEUE_URI string = storage.outputs.dataQueueUri

@description('Subject of the federated credential, where the app signs in as its managed identity.')
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

@description('Issuer of the federated credential, where the app signs in as its managed identity.')
output FEDERATED_ISSUER string = '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'

@description('How the app signs in at Partner Center.')
output PARTNER_AUTH string = partnerAuth

@description('The partner tenant.')
output PARTNER_TENANT_ID string = partnerTenantId

@description('Client id of the app registration in the partner tenant.')
output PARTNER_CLIENT_ID string = partnerClientId

@description('Address of the Partner Insights API. Empty: the default of the app.')
output INSIGHTS_BASE_URL string = serviceAddress

@description('What the commands need of extraAppSettings, as NAME=value with semicolons in between. No secret, and no value with a semicolon.')
output EXTRA_APP_SETTINGS string = join(map(extraToTell, each => '${each.key}=${each.value}'), ';')
