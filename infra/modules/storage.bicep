metadata description = 'Two storage accounts: one for the Functions host, one for the data. Neither takes a key.'

import { roles } from 'roles.bicep'

@description('Name of the account of the Functions host.')
param hostAccountName string

@description('Name of the account that holds ledger, rows, archive and queue.')
param dataAccountName string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Object id of the app\'s identity.')
param identityPrincipalId string

@description('Object id of whoever works with the commands. Empty: nobody.')
param operatorPrincipalId string

@description('What operatorPrincipalId is.')
param operatorPrincipalType string

var withoutKeys = {
  allowSharedKeyAccess: false
  allowBlobPublicAccess: false
  defaultToOAuthAuthentication: true
  minimumTlsVersion: 'TLS1_2'
  supportsHttpsTrafficOnly: true
  publicNetworkAccess: 'Enabled'
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: hostAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: withoutKeys
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: hostAccount
  name: 'default'
}

resource packages 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: hostBlobs
  name: 'packages'
}

resource dataAccount 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: dataAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: withoutKeys
}

resource dataBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: dataAccount
  name: 'default'
}

// Only people push feeds: the app reads them.
var containerRoles = [
  { container: 'reports', role: roles.storageBlobDataContributor }
  { container: 'config', role: roles.storageBlobDataReader }
  { container: 'published', role: roles.storageBlobDataContributor }
]

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for each in containerRoles: {
    parent: dataBlobs
    name: each.container
  }
]

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: dataAccount
  name: 'default'
}

resource ingest 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = {
  parent: queues
  name: 'ingest'
}

resource ingestPoison 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = {
  parent: queues
  name: 'ingest-poison'
}

resource hostOwner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: hostAccount
  name: guid(hostAccount.id, identityPrincipalId, roles.storageBlobDataOwner)
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataOwner)
  }
}

// The app makes the table of a feed when it lands its first window: the account, not single tables.
resource accountRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in [roles.storageTableDataContributor, roles.storageQueueDataContributor]: {
    scope: dataAccount
    name: guid(dataAccount.id, identityPrincipalId, role)
    properties: {
      principalId: identityPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

resource containerRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (each, index) in containerRoles: {
    scope: containers[index]
    name: guid(containers[index].id, identityPrincipalId, each.role)
    properties: {
      principalId: identityPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', each.role)
    }
  }
]

var operatorRoles = [
  roles.storageTableDataContributor
  roles.storageBlobDataContributor
  roles.storageQueueDataContributor
]

resource operatorRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in operatorRoles: if (operatorPrincipalId != '') {
    scope: dataAccount
    name: guid(dataAccount.id, operatorPrincipalId, role)
    properties: {
      principalId: operatorPrincipalId
      principalType: operatorPrincipalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

@description('Blob service of the host\'s account.')
output hostBlobUri string = hostAccount.properties.primaryEndpoints.blob

@description('Container that the deployed package goes to.')
output packageContainerUri string = '${hostAccount.properties.primaryEndpoints.blob}${packages.name}'

@description('Table service of the data account.')
output dataTableUri string = dataAccount.properties.primaryEndpoints.table

@description('Blob service of the data account.')
output dataBlobUri string = dataAccount.properties.primaryEndpoints.blob

@description('Queue service of the data account.')
output dataQueueUri string = dataAccount.properties.primaryEndpoints.queue
