using '../main.bicep'

// Two partner accounts, provisioned by a pipeline: what the template was told of the second one stands in extraAppSettings
// alone, beside what nobody should have put there.
param environmentName = 'accounts'
param location = 'westeurope'
param operatorPrincipalId = '00000000-0000-0000-0000-0000000000aa'
param operatorPrincipalType = 'ServicePrincipal'
param partnerAuth = 'client-secret'
param partnerTenantId = 'contoso.onmicrosoft.com'
param partnerClientId = '00000000-0000-0000-0000-0000000000bb'
param extraAppSettings = {
  PARTNER_TENANT_ID__EMEA: 'emea.contoso.com'
  PARTNER_CLIENT_ID__EMEA: '00000000-0000-0000-0000-0000000000cc'
  PARTNER_PASSWORD__EMEA: 'a secret that nobody should have put here'
  PARTNER_USERNAME__EMEA: 'reports@contoso.com;PARTNER_TENANT_ID__EMEA=fabrikam.com'
  CALLBACK_SECRET_PREVIOUS: 'a secret that nobody should have put here'
  INSIGHTS_BASE_URL: 'https://api.partnercenter.microsoft.com/insights/v1/cmp'
  AzureWebJobsStorage: 'a connection string'
  DataStorage: 'a connection string'
  dataStorage__connectionString: 'a connection string'
  DATASTORAGE__CREDENTIAL: 'another'
  partner_auth: 'certificate'
  FUNCTIONS_WORKER_RUNTIME: 'python'
}
param callbackSecret = 'a secret of the snapshot'
param budgetStart = '2026-01-01'
