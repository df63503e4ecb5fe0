import { globSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { textOf } from '../docs/page.ts'
import { ALL_NAMES, readable, type SnapshotName } from './snapshot.ts'

/** The properties of the resources of one type, by their names. */
function propertiesOf(snapshot: SnapshotName, type: string): Readonly<Record<string, unknown>> {
  const some = readable(snapshot).predictedResources.filter((resource) => resource.type === type)
  return Object.fromEntries(some.map(({ name, properties }) => [name, properties]))
}

/** The one resource of a type. */
function oneOf(snapshot: SnapshotName, type: string) {
  const some = readable(snapshot).predictedResources.filter((resource) => resource.type === type)
  expect(some).toHaveLength(1)
  return some[0]
}

const SETTINGS_OF_ALL = {
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: "[format('ClientId={0};Authorization=AAD', identity.clientId)]",
  APPLICATIONINSIGHTS_CONNECTION_STRING: '[monitoring.connectionString]',
  AzureWebJobsStorage__blobServiceUri: '[storage.hostBlobUri]',
  AzureWebJobsStorage__clientId: '[identity.clientId]',
  AzureWebJobsStorage__credential: 'managedidentity',
  DataStorage__blobServiceUri: '[storage.dataBlobUri]',
  DataStorage__clientId: '[identity.clientId]',
  DataStorage__credential: 'managedidentity',
  DataStorage__queueServiceUri: '[storage.dataQueueUri]',
  DataStorage__tableServiceUri: '[storage.dataTableUri]',
  DEPLOYMENT_ID: 'suffix of 12',
  KEY_VAULT_URL: '[vault.uri]',
}

const CALLBACKS = {
  CALLBACK_BASE_URL:
    "[format('https://{0}/api/callback', reference('Microsoft.Web/sites/func-suffix').defaultHostName)]",
  CALLBACK_SECRET: "[format('@Microsoft.KeyVault(SecretUri={0})', vault.callbackSecretUri)]",
}

const OUTPUTS_OF_ALL = {
  APP_ID: '[app.id]',
  APP_NAME: '[app.name]',
  APP_URL: '[app.url]',
  AZURE_TENANT_ID: '00000000-0000-0000-0000-000000000002',
  DATA_BLOB_URI: '[storage.dataBlobUri]',
  DATA_QUEUE_URI: '[storage.dataQueueUri]',
  DATA_TABLE_URI: '[storage.dataTableUri]',
  DEPLOYMENT_ID: 'suffix of 12',
  FEDERATED_ISSUER:
    "[format('{0}{1}/v2.0', environment().authentication.loginEndpoint, '00000000-0000-0000-0000-000000000002')]",
  IDENTITY_PRINCIPAL_ID: '[identity.principalId]',
  KEY_VAULT_URL: '[vault.uri]',
}

const CONTOSO = {
  PARTNER_TENANT_ID: 'contoso.onmicrosoft.com',
  PARTNER_CLIENT_ID: '00000000-0000-0000-0000-0000000000bb',
}

describe('what the template makes', () => {
  it('is of these types alone, and each is judged', () => {
    expect([...new Set(readable('everything').predictedResources.map(({ type }) => type))]).toEqual([
      'Microsoft.Resources/resourceGroups',
      'Microsoft.ManagedIdentity/userAssignedIdentities',
      'Microsoft.OperationalInsights/workspaces',
      'Microsoft.Insights/components',
      'Microsoft.Authorization/roleAssignments',
      'Microsoft.Storage/storageAccounts',
      'Microsoft.Storage/storageAccounts/blobServices',
      'Microsoft.Storage/storageAccounts/blobServices/containers',
      'Microsoft.Storage/storageAccounts/queueServices',
      'Microsoft.Storage/storageAccounts/queueServices/queues',
      'Microsoft.KeyVault/vaults',
      'Microsoft.KeyVault/vaults/secrets',
      'Microsoft.Web/serverfarms',
      'Microsoft.Web/sites',
      'Microsoft.Web/sites/basicPublishingCredentialsPolicies',
      'Microsoft.Web/sites/config',
      'Microsoft.Insights/actionGroups',
      'Microsoft.Insights/scheduledQueryRules',
      'Microsoft.Consumption/budgets',
    ])
  })

  it.each([
    ['defaults', 2048, 40],
    ['everything', 512, 100],
    ['smallest', 2048, 40],
  ] as const)(
    '%s: a site with the one identity, closed to what is old',
    (name, instanceMemoryMB, maximumInstanceCount) => {
      const site = oneOf(name, 'Microsoft.Web/sites')
      expect(site?.kind).toBe('functionapp,linux')
      expect(site?.identity).toEqual({
        type: 'UserAssigned',
        userAssignedIdentities: { "[format('{0}', identity.id)]": {} },
      })
      expect(site?.properties).toEqual({
        serverFarmId: 'Microsoft.Web/serverfarms/plan-suffix',
        httpsOnly: true,
        keyVaultReferenceIdentity: '[identity.id]',
        functionAppConfig: {
          deployment: {
            storage: {
              type: 'blobContainer',
              value: '[storage.packageContainerUri]',
              authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: '[identity.id]' },
            },
          },
          runtime: { name: 'node', version: '24' },
          // Without instances that are always ready, which cost.
          scaleAndConcurrency: { instanceMemoryMB, maximumInstanceCount },
        },
        siteConfig: { alwaysOn: false, ftpsState: 'Disabled', minTlsVersion: '1.2', scmMinTlsVersion: '1.2' },
      })
    },
  )

  it.each(ALL_NAMES)('%s: a plan that costs nothing at rest', (name) => {
    const plan = oneOf(name, 'Microsoft.Web/serverfarms')
    expect(plan?.sku).toEqual({ name: 'FC1', tier: 'FlexConsumption' })
    expect(plan?.properties).toEqual({ reserved: true })
  })

  it.each(ALL_NAMES)('%s: two storage accounts without keys, with private containers and both queues', (name) => {
    const accounts = readable(name).predictedResources.filter(
      ({ type }) => type === 'Microsoft.Storage/storageAccounts',
    )
    expect(accounts.map((account) => account.name)).toEqual(['sthostsuffix', 'stdatasuffix'])
    for (const { kind, sku, properties } of accounts) {
      expect({ kind, sku }).toEqual({ kind: 'StorageV2', sku: { name: 'Standard_LRS' } })
      // Nothing else, such as SFTP or users of the account's own.
      expect(properties).toEqual({
        allowSharedKeyAccess: false,
        allowBlobPublicAccess: false,
        defaultToOAuthAuthentication: true,
        minimumTlsVersion: 'TLS1_2',
        supportsHttpsTrafficOnly: true,
        publicNetworkAccess: 'Enabled',
      })
    }
    // Without properties, so that none is public.
    expect(propertiesOf(name, 'Microsoft.Storage/storageAccounts/blobServices/containers')).toEqual({
      'sthostsuffix/default/packages': undefined,
      'stdatasuffix/default/reports': undefined,
      'stdatasuffix/default/config': undefined,
      'stdatasuffix/default/published': undefined,
    })
    expect(Object.keys(propertiesOf(name, 'Microsoft.Storage/storageAccounts/queueServices/queues'))).toEqual([
      'stdatasuffix/default/ingest',
      'stdatasuffix/default/ingest-poison',
    ])
  })

  it.each([
    ['defaults', null],
    ['everything', true],
    ['smallest', null],
    // Azure refuses false.
  ] as const)('%s: a vault that roles open, with purge protection %s', (name, enablePurgeProtection) => {
    expect(propertiesOf(name, 'Microsoft.KeyVault/vaults')).toEqual({
      'kv-suffix': {
        tenantId: '00000000-0000-0000-0000-000000000002',
        sku: { family: 'A', name: 'standard' },
        enableRbacAuthorization: true,
        softDeleteRetentionInDays: 7,
        enablePurgeProtection,
        publicNetworkAccess: 'Enabled',
      },
    })
    expect(propertiesOf(name, 'Microsoft.KeyVault/vaults/secrets')).toEqual({
      'kv-suffix/callback-secret': { value: "[parameters('callbackSecret')]" },
    })
  })

  it.each([
    ['defaults', 30, 1],
    ['everything', 90, 2],
    ['smallest', 30, 1],
  ] as const)('%s: logs without keys, for %i days and %i GB a day', (name, retentionInDays, dailyQuotaGb) => {
    expect(propertiesOf(name, 'Microsoft.OperationalInsights/workspaces')).toEqual({
      'log-suffix': {
        sku: { name: 'PerGB2018' },
        retentionInDays,
        workspaceCapping: { dailyQuotaGb },
        features: { disableLocalAuth: true },
      },
    })
    expect(propertiesOf(name, 'Microsoft.Insights/components')).toEqual({
      'appi-suffix': {
        Application_Type: 'web',
        WorkspaceResourceId: 'Microsoft.OperationalInsights/workspaces/log-suffix',
        DisableLocalAuth: true,
      },
    })
  })

  it('alarms on each event by itself, and mails it', () => {
    const rule = propertiesOf('everything', 'Microsoft.Insights/scheduledQueryRules')['events-suffix']
    const events =
      "'app.settings', 'cleanup.failing', 'credential.expiring', 'feed.blocked', 'feed.stale', 'file.late', 'queue.old', 'quota.reduced', 'timer.silent', 'window.failed'"
    expect(rule).toMatchObject({
      enabled: true,
      scopes: ['[monitoring.workspaceId]'],
      evaluationFrequency: 'PT15M',
      windowSize: 'PT30M',
      autoMitigate: true,
      // A new workspace does not know its tables.
      skipQueryValidation: true,
      criteria: {
        allOf: [
          {
            query: [
              'union isfuzzy=true (datatable(TimeGenerated: datetime, Message: string)[]), AppTraces',
              `| where Message startswith '{"event":'`,
              '| extend event = tostring(parse_json(Message).event)',
              `| where event in (${events})`,
            ].join('\n'),
            timeAggregation: 'Count',
            operator: 'GreaterThan',
            threshold: 0,
            dimensions: [{ name: 'event', operator: 'Include', values: ['*'] }],
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 },
          },
        ],
      },
      actions: { actionGroups: ['Microsoft.Insights/actionGroups/ag-suffix'] },
    })
  })

  it('alarms on silence, and mails it', () => {
    const rule = propertiesOf('everything', 'Microsoft.Insights/scheduledQueryRules')['silence-suffix']
    expect(rule).toMatchObject({
      enabled: true,
      scopes: ['[monitoring.workspaceId]'],
      evaluationFrequency: 'PT15M',
      windowSize: 'PT1H',
      autoMitigate: true,
      skipQueryValidation: true,
      criteria: {
        allOf: [
          {
            query: [
              'union isfuzzy=true (datatable(TimeGenerated: datetime, OperationName: string, Success: bool)[]), AppRequests',
              "| where OperationName == 'provision' and Success",
              '',
            ].join('\n'),
            timeAggregation: 'Count',
            operator: 'LessThan',
            threshold: 1,
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 },
          },
        ],
      },
      actions: { actionGroups: ['Microsoft.Insights/actionGroups/ag-suffix'] },
    })
  })

  it('mails alarms and the budget to the address of the parameter', () => {
    expect(propertiesOf('everything', 'Microsoft.Insights/actionGroups')['ag-suffix']).toMatchObject({
      enabled: true,
      emailReceivers: [{ name: 'operator', emailAddress: 'reports@contoso.com', useCommonAlertSchema: true }],
    })
    const warning = {
      enabled: true,
      operator: 'GreaterThan',
      threshold: 100,
      contactEmails: ['reports@contoso.com'],
    }
    expect(propertiesOf('everything', 'Microsoft.Consumption/budgets')['budget-suffix']).toEqual({
      category: 'Cost',
      amount: 20,
      timeGrain: 'Monthly',
      timePeriod: { startDate: '2026-01-01' },
      notifications: {
        actual: { ...warning, thresholdType: 'Actual' },
        forecast: { ...warning, thresholdType: 'Forecasted' },
      },
    })
  })

  it.each([
    ['defaults', { ...CONTOSO, ...CALLBACKS, PARTNER_AUTH: 'refresh-token' }],
    [
      'everything',
      {
        ...CONTOSO,
        ...CALLBACKS,
        PARTNER_AUTH: 'managed-identity',
        INSIGHTS_BASE_URL: 'https://api.partnercenter.microsoft.com/insights/v1/cmp',
        MAX_REPORTS_PER_HOUR: '10',
        languageWorkers__node__arguments: '--max-semi-space-size=16',
      },
    ],
    [
      'smallest',
      { CALLBACK_BASE_URL: 'off', PARTNER_AUTH: 'refresh-token', PARTNER_CLIENT_ID: '', PARTNER_TENANT_ID: '' },
    ],
  ] as const)('%s: settings that come from where they should', (name, own) => {
    // Each is an output of the module that gives the roles, too: so the app waits for them.
    expect(propertiesOf(name, 'Microsoft.Web/sites/config')).toEqual({
      'func-suffix/appsettings': { ...SETTINGS_OF_ALL, ...own },
    })
  })

  it('takes from extraAppSettings nothing that would undo the identity or replace a setting of the template, in any case', () => {
    const settings = propertiesOf('accounts', 'Microsoft.Web/sites/config')['func-suffix/appsettings']
    const byHand = 'a secret that nobody should have put here'
    expect(settings).toEqual({
      ...SETTINGS_OF_ALL,
      ...CONTOSO,
      ...CALLBACKS,
      PARTNER_AUTH: 'client-secret',
      PARTNER_TENANT_ID__EMEA: 'emea.contoso.com',
      PARTNER_CLIENT_ID__EMEA: '00000000-0000-0000-0000-0000000000cc',
      PARTNER_PASSWORD__EMEA: byHand,
      PARTNER_USERNAME__EMEA: 'reports@contoso.com;PARTNER_TENANT_ID__EMEA=fabrikam.com',
      CALLBACK_SECRET_PREVIOUS: byHand,
      INSIGHTS_BASE_URL: 'https://api.partnercenter.microsoft.com/insights/v1/cmp',
    })
  })

  it.each([
    [
      'accounts',
      {
        ...CONTOSO,
        AZURE_RESOURCE_GROUP: 'rg-accounts',
        // No password, and no value with a semicolon, which would read as another setting.
        EXTRA_APP_SETTINGS:
          'PARTNER_CLIENT_ID__EMEA=00000000-0000-0000-0000-0000000000cc;PARTNER_TENANT_ID__EMEA=emea.contoso.com',
        INSIGHTS_BASE_URL: 'https://api.partnercenter.microsoft.com/insights/v1/cmp',
        PARTNER_AUTH: 'client-secret',
      },
    ],
    [
      'defaults',
      {
        ...CONTOSO,
        AZURE_RESOURCE_GROUP: 'rg-partner',
        EXTRA_APP_SETTINGS: '',
        INSIGHTS_BASE_URL: '',
        PARTNER_AUTH: 'refresh-token',
      },
    ],
    [
      'everything',
      {
        ...CONTOSO,
        AZURE_RESOURCE_GROUP: 'rg-everything',
        EXTRA_APP_SETTINGS: 'MAX_REPORTS_PER_HOUR=10',
        INSIGHTS_BASE_URL: 'https://api.partnercenter.microsoft.com/insights/v1/cmp',
        PARTNER_AUTH: 'managed-identity',
      },
    ],
  ] as const)('%s: outputs that come from where they should, and no other', (name, own) => {
    expect(readable(name).outputs).toEqual({ ...OUTPUTS_OF_ALL, ...own })
  })

  it.each(ALL_NAMES)('%s: no output holds a connection string or a secret, whatever its name', (name) => {
    expect(JSON.stringify(readable(name).outputs)).not.toMatch(/connectionString|callbackSecret|a secret/i)
  })

  it('takes what a module gives from the resource of that name', () => {
    const given = (module: string) =>
      Object.fromEntries(
        Array.from(
          textOf(`infra/modules/${module}.bicep`).matchAll(/^output (\w+) string = (.*)$/gm),
          ([, output, from]) => [output, from],
        ),
      )
    expect(given('storage')).toEqual({
      hostBlobUri: 'hostAccount.properties.primaryEndpoints.blob',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a text of Bicep
      packageContainerUri: "'${hostAccount.properties.primaryEndpoints.blob}${packages.name}'",
      dataTableUri: 'dataAccount.properties.primaryEndpoints.table',
      dataBlobUri: 'dataAccount.properties.primaryEndpoints.blob',
      dataQueueUri: 'dataAccount.properties.primaryEndpoints.queue',
    })
    expect(given('vault')).toEqual({
      uri: 'vault.properties.vaultUri',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a text of Bicep
      callbackSecretUri: "'${vault.properties.vaultUri}secrets/${callback.name}'",
    })
    expect(given('identity')).toEqual({
      id: 'identity.id',
      principalId: 'identity.properties.principalId',
      clientId: 'identity.properties.clientId',
    })
    expect(given('monitoring')).toEqual({
      workspaceId: 'workspace.id',
      connectionString: 'component.properties.ConnectionString',
    })
    expect(given('app')).toEqual({
      name: 'app.name',
      id: 'app.id',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a text of Bicep
      url: "'https://${app.properties.defaultHostName}'",
    })
  })

  it('gives its roles where what the app needs is made, so that it waits for them', () => {
    const giving = globSync('infra/**/*.bicep').filter((file) => textOf(file).includes('roleAssignments@'))
    expect(giving.toSorted()).toEqual(['monitoring', 'storage', 'vault'].map((each) => `infra/modules/${each}.bicep`))
  })

  it('names each role by its scope, who gets it and which it is: else another one could not be given', () => {
    for (const name of ALL_NAMES) {
      const names = readable(name).predictedResources.flatMap((each) =>
        each.type === 'Microsoft.Authorization/roleAssignments' ? [each.name] : [],
      )
      expect(new Set(names).size, name).toBe(names.length)
    }
    const text = globSync('infra/modules/*.bicep').map(textOf).join('\n')
    const parts = Array.from(text.matchAll(/^ +name: guid\((.*)\)$/gm), ([, inside = '']) => inside)
    expect(parts).toHaveLength(text.match(/roleAssignments@/g)?.length ?? 0)
    for (const part of parts) expect(part).toMatch(/^\S+\.id, (identity|operator)PrincipalId, \S*[rR]ole\S*$/)
  })

  it('takes the callback secret as a secret, by chance', () => {
    for (const file of ['main', 'modules/vault'])
      expect(textOf(`infra/${file}.bicep`)).toContain('@secure()\nparam callbackSecret string')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a text of Bicep
    expect(textOf('infra/main.bicep')).toContain("param callbackSecret string = '${newGuid()}${newGuid()}'\n")
  })
})
