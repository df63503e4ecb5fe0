import type { Cookie } from './core-types.ts'

/** A cookie of a function's response as the `Set-Cookie` header the host makes of it. */
export function cookieHeader(cookie: Cookie): string {
  const expires = cookie.expires?.value?.seconds
  const attributes = [
    [`${cookie.name}=${encodeURIComponent(cookie.value)}`, true],
    [`expires=${new Date((expires ?? 0) * 1000).toUTCString()}`, expires !== undefined],
    [`max-age=${cookie.maxAge?.value}`, cookie.maxAge?.value !== undefined],
    [`domain=${cookie.domain?.value}`, cookie.domain?.value !== undefined],
    [`path=${cookie.path?.value ?? '/'}`, true],
    ['secure', cookie.secure?.value === true],
    [`samesite=${cookie.sameSite === 'explicitNone' ? 'none' : cookie.sameSite}`, hasSameSite(cookie)],
    ['httponly', cookie.httpOnly?.value === true],
  ] as const
  return attributes.flatMap(([text, present]) => (present ? [text] : [])).join('; ')
}

function hasSameSite({ sameSite }: Cookie): boolean {
  return sameSite !== undefined && sameSite !== 'none'
}
