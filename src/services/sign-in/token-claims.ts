import { parseJson } from '../parse-json.ts'

/**
 * How the user of an access token signed in, such as `pwd` and `mfa`: the claim `amr` (learn.microsoft.com, access token
 * claims reference). Undefined where the token says nothing of it, as that of an application alone. The token is not
 * verified, because nothing is decided by it.
 */
export function signInMethods(token: string): readonly string[] | undefined {
  const claims = parseJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const methods = typeof claims === 'object' && claims !== null && 'amr' in claims ? claims.amr : undefined
  return Array.isArray(methods) ? methods.filter((each) => /^\w{1,20}$/.test(String(each))).map(String) : undefined
}
