metadata description = 'The Key Vault with the secrets of the partner accounts and the callback secret.'

import { roles } from 'roles.bicep'

@description('Name of the vault.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Object id of the app\'s identity.')
param identityPrincipalId string

@description('Whether the app stores renewed refresh tokens. Else it only reads secrets.')
param storesTokens bool

@description('Object id of whoever works with the commands. Empty: nobody.')
param operatorPrincipalId string

@description('What operatorPrincipalId is.')
param operatorPrincipalType string

@description('Whether nobody can purge a deleted vault before its time.')
param purgeProtection bool

@description('Signs the callback addresses.')
@secure()
param callbackSecret string

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    softDeleteRetentionInDays: 7
    // Azure refuses false: it is on or absent.
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: 'Enabled'
  }
}

// Written once: each provision brings another value, and a new secret would end every open callback address.
@onlyIfNotExists()
resource callback 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = {
  parent: vault
  name: 'callback-secret'
  properties: { value: callbackSecret }
}

var appRole = storesTokens ? roles.keyVaultSecretsOfficer : roles.keyVaultSecretsUser

resource appSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, identityPrincipalId, appRole)
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', appRole)
  }
}

resource operatorSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (operatorPrincipalId != '') {
  scope: vault
  name: guid(vault.id, operatorPrincipalId, roles.keyVaultSecretsOfficer)
  properties: {
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsOfficer)
  }
}

@description('Address of the vault.')
output uri string = vault.properties.vaultUri

@description('Address of the callback secret, without a version: a rotated secret is found.')
output callbackSecretUri string = '${vault.properties.vaultUri}secrets/${callback.name}'
