using '../main.bicep'

// Nobody to work with the commands, no callbacks, no alarms.
param environmentName = 'small'
param location = 'westeurope'
param callbacks = false
param callbackSecret = 'a secret of the snapshot'
param budgetStart = '2026-01-01'
