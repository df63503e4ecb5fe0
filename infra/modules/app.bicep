metadata description = 'The function app on Flex Consumption, with its settings.'

@description('Name of the app.')
param appName string

@description('Name of the plan.')
param planName string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Resource id of the app\'s identity.')
param identityId string

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Memory of one instance in MiB.')
param instanceMemoryMB int

@description('Highest number of instances for one group of functions.')
param maximumInstanceCount int

@description('Blob service of the host\'s account.')
param hostBlobUri string

@description('Container that the deployed package goes to.')
param packageContainerUri string

@description('Table service of the data account.')
param dataTableUri string

@description('Blob service of the data account.')
param dataBlobUri string

@description('Queue service of the data account.')
param dataQueueUri string

@description('Where the app sends its logs.')
param insightsConnectionString string

@description('Address of the vault.')
param vaultUri string

@description('Address of the callback secret.')
param callbackSecretUri string

@description('Tells deployments apart at the service.')
param deploymentId string

@description('How the app signs in at Partner Center.')
param partnerAuth string

@description('The partner tenant.')
param partnerTenantId string

@description('Client id of the app registration in the partner tenant.')
param partnerClientId string

@description('Address of the Partner Insights API. Empty: the default of the app.')
param insightsBaseUrl string

@description('Whether the service calls back when a report is ready.')
param callbacks bool

@description('Further app settings.')
param extraAppSettings object

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: appName
  location: location
  // azd finds the app by the second tag.
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUri
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      runtime: { name: 'node', version: '24' }
      scaleAndConcurrency: { instanceMemoryMB: instanceMemoryMB, maximumInstanceCount: maximumInstanceCount }
    }
    siteConfig: { alwaysOn: false, ftpsState: 'Disabled', minTlsVersion: '1.2', scmMinTlsVersion: '1.2' }
  }
}

// Deployments sign in with tokens.
resource scmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource ftpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: hostBlobUri
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
}

var dataSettings = {
  DataStorage__tableServiceUri: dataTableUri
  DataStorage__blobServiceUri: dataBlobUri
  DataStorage__queueServiceUri: dataQueueUri
  DataStorage__credential: 'managedidentity'
  DataStorage__clientId: identityClientId
}

var partnerSettings = {
  DEPLOYMENT_ID: deploymentId
  KEY_VAULT_URL: vaultUri
  PARTNER_AUTH: partnerAuth
  PARTNER_TENANT_ID: partnerTenantId
  PARTNER_CLIENT_ID: partnerClientId
}

// Without the setting, the app would take the site's own address; an empty one the host does not hand on.
var callbackSettings = callbacks
  ? {
      CALLBACK_BASE_URL: 'https://${app.properties.defaultHostName}/api/callback'
      CALLBACK_SECRET: '@Microsoft.KeyVault(SecretUri=${callbackSecretUri})'
    }
  : { CALLBACK_BASE_URL: 'off' }

var serviceSettings = insightsBaseUrl == '' ? {} : { INSIGHTS_BASE_URL: insightsBaseUrl }

// It makes every cold start slower, so only where memory is short.
var nodeSettings = instanceMemoryMB == 512
  ? { languageWorkers__node__arguments: '--max-semi-space-size=16' }
  : {}

// With a setting that holds one of these the app would leave its identity, or the platform refuses it. The host looks for a
// connection under AzureWebJobs… and ConnectionStrings__…, too, before it takes the name as it is.
var notToSet = ['azurewebjobsstorage', 'datastorage', 'functions_worker_runtime']
// Azure knows a setting whatever its case.
var ownNames = map(
  concat(
    objectKeys(union(hostSettings, dataSettings, partnerSettings, serviceSettings, nodeSettings)),
    ['CALLBACK_BASE_URL', 'CALLBACK_SECRET', 'INSIGHTS_BASE_URL']
  ),
  name => toLower(name)
)
var addedSettings = toObject(
  filter(
    items(extraAppSettings),
    each =>
      !contains(ownNames, toLower(each.key)) && empty(filter(notToSet, part => contains(toLower(each.key), part)))
  ),
  each => each.key,
  each => each.value
)

// One write replaces all settings: what somebody added by hand is lost.
resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  // What somebody adds replaces nothing of ours: the outputs tell the commands what these are.
  properties: union(
    addedSettings,
    hostSettings,
    dataSettings,
    partnerSettings,
    callbackSettings,
    serviceSettings,
    nodeSettings
  )
}

@description('Name of the app.')
output name string = app.name

@description('Resource id of the app.')
output id string = app.id

@description('Address of the app. Its host may carry a part of chance, so it is not made from the name.')
output url string = 'https://${app.properties.defaultHostName}'
