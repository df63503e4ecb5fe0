import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** The dashboard as it is sent: the same for everybody, and without data. */
export type DashboardAnswer = { readonly headers: Readonly<Record<string, string>>; readonly body: string }

/** Reads the page that the build made. Throws where it is missing. */
export async function readDashboard(file: string): Promise<DashboardAnswer> {
  const body = await readFile(file, 'utf8')
  return { headers: { 'content-type': 'text/html; charset=utf-8', ...guards(body) }, body }
}

/** The page runs its own script, asks its own app, and can do nothing else: nothing from outside becomes markup or script. */
function guards(body: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(body, 'script')}`,
    `style-src ${hashOf(body, 'style')}`,
    "connect-src 'self'",
    // The icon of the tab is in the page.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  }
}

function hashOf(body: string, tag: 'script' | 'style'): string {
  const text = body.slice(body.indexOf(`<${tag}>`) + tag.length + 2, body.lastIndexOf(`</${tag}>`))
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
