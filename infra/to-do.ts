import { missingIds } from '../cli/azd-env.ts'
import type { Finding } from '../src/core/doctor.ts'
import { DEFAULT_ACCOUNT } from '../src/core/feeds/feed.ts'
import { vaultName } from '../src/services/sign-in/sign-in.ts'

/** The outputs of infra/main.bicep, as azd hands them to a hook or keeps them in `.azure/<name>/.env`. */
export type Outputs = Readonly<Record<string, string | undefined>>

/** What a person has to do: why, and the commands to type. */
export type ToDo = { readonly what: string; readonly commands: readonly string[] }

/**
 * Checks of the doctor that only a person can make right, in the order in which they do. All others are about the app and its
 * resources, which need no person: only time, or a repair. A timer that has died needs one: see docs/troubleshooting.md.
 */
const OF_A_PERSON = ['timer', 'sign-in', 'expiry', 'role', 'feeds', 'table', 'feed', 'dataset', 'columns', 'query']

const isOfAPerson = ({ check }: Finding) => OF_A_PERSON.includes(check)

/** The problems that may be over in a minute. While a timer is silent, the callback's own look at `health` says no more. */
export function problemsOfApp(findings: readonly Finding[]): readonly Finding[] {
  const problems = findings.filter(({ level }) => level === 'problem')
  const isSilent = problems.some(({ check }) => check === 'timer')
  return problems.filter((finding) => !isOfAPerson(finding) && !(isSilent && finding.check === 'callback'))
}

/** How a command names the environment of azd that these outputs are of. */
export function azdOption({ AZURE_ENV_NAME: name }: Outputs): string {
  return name ? `--azd-env ${name}` : '--azd-env'
}

/** What a person must give before the app can start, unless its settings name other accounts. Empty: nothing. */
export function beforeStart(outputs: Outputs): readonly ToDo[] {
  if (missingIds(outputs).length === 0) return []
  const register = 'Register an application in the partner tenant (docs/deploy.md, step 3), and tell the app its ids'
  const commands = [
    'azd env set PARTNER_TENANT_ID <tenant>',
    'azd env set PARTNER_CLIENT_ID <application id>',
    'azd up',
  ]
  return [{ what: register, commands }]
}

/** What a person must do about the doctor's problems, in order: a way to sign in comes first, since the rest hangs on it. */
export function afterDoctor(findings: readonly Finding[], outputs: Outputs): readonly ToDo[] {
  const open = findings.filter((finding) => finding.level === 'problem' && isOfAPerson(finding))
  const order = ({ check }: Finding) => OF_A_PERSON.indexOf(check)
  return open
    .toSorted((a, b) => order(a) - order(b))
    .map(({ check, message, remedy, account }) => {
      const { hint = '', commands } = check === 'sign-in' && account ? signIn(account, outputs) : { commands: [] }
      return { what: `${message}. ${remedy ?? ''} ${hint}`.trim(), commands }
    })
}

/** What a sign-in needs beside its commands. */
type SignIn = { readonly hint?: string; readonly commands: readonly string[] }

/** How an account gets what it signs in with. Where its settings do not tell how it signs in, the finding says what is missing. */
function signIn({ name, auth }: NonNullable<Finding['account']>, outputs: Outputs): SignIn {
  const isDefault = name === DEFAULT_ACCOUNT
  switch (auth) {
    case 'refresh-token': {
      const account = isDefault ? '' : `--account ${name} `
      return { commands: [`npx partner-insights-sync consent ${account}${azdOption(outputs)}`] }
    }
    case 'client-secret':
    case 'certificate':
    case 'password': {
      const vault = /^https:\/\/([^.]+)/.exec(outputs.KEY_VAULT_URL ?? '')?.[1]
      const secret = `--vault-name ${vault} --name ${vaultName(name, auth)}`
      return { commands: [`az keyvault secret set ${secret} --file <file that holds it>`] }
    }
    case 'managed-identity': {
      if (isDefault && isOfAnotherTenant(outputs)) return OTHER_WAY
      const client = isDefault ? outputs.PARTNER_CLIENT_ID : `<application id of account ${name}>`
      // No shell reads the file: each quotes in another way.
      return {
        hint: `Save this as credential.json: ${JSON.stringify(federatedCredential(outputs))}`,
        commands: [`az ad app federated-credential create --id ${client} --parameters credential.json`],
      }
    }
    default:
      return { commands: [] }
  }
}

const OTHER_WAY: SignIn = {
  hint: 'The application is in another tenant than the subscription, where a managed identity cannot sign in (AADSTS700236).',
  commands: ['azd env set PARTNER_AUTH refresh-token', 'azd up'],
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Whether the application is surely in another tenant than the identity: a tenant may also be given as a domain. */
function isOfAnotherTenant({ PARTNER_TENANT_ID: partner = '', AZURE_TENANT_ID: own = '' }: Outputs): boolean {
  return GUID.test(partner) && GUID.test(own) && partner.toLowerCase() !== own.toLowerCase()
}

/** What lets the identity of the app sign in as an application. */
function federatedCredential({ FEDERATED_ISSUER: issuer, IDENTITY_PRINCIPAL_ID: subject }: Outputs): object {
  return { name: 'partner-insights-sync', issuer, subject, audiences: ['api://AzureADTokenExchange'] }
}

/** The to-do list as text: numbered, each command on a line of its own. */
export function toDoLines(list: readonly ToDo[]): readonly string[] {
  return list.flatMap(({ what, commands }, index) => [
    `${index + 1}. ${what}`,
    ...commands.map((each) => `     ${each}`),
  ])
}
