using '../main.bicep'

// Two partner accounts: what the template was told of the second one stands in extraAppSettings alone.
param environmentName = 'accounts'
param location = 'westeurope'
param operatorPrincipalId = '00000000-0000-0000-0000-0000000000aa'
param partnerAuth = 'client-secret'
param partnerTenantId = 'contoso.onmicrosoft.com'
param partnerClientId = '00000000-0000-0000-0000-0000000000bb'
param extraAppSettings = {
  PARTNER_TENANT_ID__EMEA: 'emea.contoso.com'
  PARTNER_CLIENT_ID__EMEA: '00000000-0000-0000-0000-0000000000cc'
  CALLBACK_SECRET_PREVIOUS: 'a secret that nobody should have put here'
}
param callbackSecret = 'a secret of the snapshot'
param budgetStart = '2026-01-01'
