metadata description = 'The one identity of the app. It comes first, so that its roles have spread when the app starts.'

@description('Name of the identity.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id.')
output id string = identity.id

@description('Object id, which roles are given to.')
output principalId string = identity.properties.principalId

@description('Client id, by which the app asks for tokens.')
output clientId string = identity.properties.clientId
