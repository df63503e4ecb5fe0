using '../main.bicep'

// What azd gives a person who answers its questions and sets nothing.
param environmentName = 'partner'
param location = 'westeurope'
param operatorPrincipalId = '00000000-0000-0000-0000-0000000000aa'
param partnerTenantId = 'contoso.onmicrosoft.com'
param partnerClientId = '00000000-0000-0000-0000-0000000000bb'
// By chance and by the clock where it is not given here.
param callbackSecret = 'a secret of the snapshot'
param budgetStart = '2026-01-01'
