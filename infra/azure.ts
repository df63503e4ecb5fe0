/** The calls to Azure Resource Manager that the first minutes need. No answer of theirs is ever printed. */

import { reasonOf } from '../src/services/safe-text.ts'

/** Reaches one function app through Azure Resource Manager. */
export type Site = {
  /** Makes the app read its Key Vault references again. It restarts the app only where a value changed. */
  refreshReferences(): Promise<void>
  /** Gives the default function key. */
  functionKey(): Promise<string>
}

/** What Azure refused, with what to do about it: trying again does not help. */
export class Refused extends Error {}

export type SiteOptions = {
  /** Ends a command of azd: names the environment. */
  readonly azdEnd: string
  /** `https://management.azure.com`, or its stand-in. */
  readonly arm: string
  /** Resource id of the app. */
  readonly id: string
  /** Gives a token of whoever deploys. */
  readonly token: () => Promise<string>
  /** A call without an answer ends after this. */
  readonly limitMs: number
}

/**
 * Opens the calls. They throw `Refused` where the person has no right or the app does not exist, and any other error where
 * a later try may work: the host of a new app answers its first calls with errors.
 */
export function openSite(options: SiteOptions): Site {
  const ask = async (path: string, version: string) => contentOf(await post(options, path, version), path, options)
  return {
    // The version is that of the page which describes this call.
    refreshReferences: async () => void (await ask('config/configreferences/appsettings/refresh', '2022-03-01')),
    async functionKey() {
      const keys = (await ask('host/default/listKeys', '2025-03-01')) as { functionKeys?: { default?: string } }
      const key = keys?.functionKeys?.default
      if (!key) {
        const remedy = `az functionapp keys set ${azNames(options.id)} --key-type functionKeys --key-name default --output none`
        throw new Error(`Azure lists no function key "default". If it was deleted, type "${remedy}"`)
      }
      return key
    },
  }
}

async function post({ arm, id, token, limitMs }: SiteOptions, path: string, version: string): Promise<Response> {
  return fetch(`${arm}${id}/${path}?api-version=${version}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token()}`, 'content-length': '0' },
    signal: AbortSignal.timeout(limitMs),
    redirect: 'error',
  }).catch((error) => {
    throw new Error(`Azure gave no answer (${reasonOf(error)})`)
  })
}

/** What an answer holds; undefined where it is no JSON. */
async function contentOf(response: Response, path: string, { id, azdEnd }: SiteOptions): Promise<unknown> {
  if (response.status === 401 || response.status === 403) {
    throw new Refused(
      `Azure refuses ${path} (${response.status}): type "azd auth login" as somebody with the role Contributor`,
    )
  }
  if (response.status === 404 && (await isUnknown(response))) {
    throw new Refused(`Azure knows no app ${id}: type "azd provision${azdEnd}"`)
  }
  if (!response.ok) throw new Error(`Azure answered ${path} with ${response.status}`)
  return response.json().catch(() => undefined)
}

/** How a command of az names the app with this resource id. */
export function azNames(id: string): string {
  const [, subscription, group, name] =
    /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/.*\/([^/]+)$/i.exec(id) ?? []
  return name ? `--subscription ${subscription} --resource-group ${group} --name ${name}` : '--name <app>'
}

/** The host of a new app answers 404, too, as long as it has no keys: only Azure itself names what it does not know. */
async function isUnknown(response: Response): Promise<boolean> {
  const body = (await response.json().catch(() => undefined)) as { error?: { code?: string } } | undefined
  return ['ResourceNotFound', 'ResourceGroupNotFound', 'SubscriptionNotFound'].includes(body?.error?.code ?? '')
}
