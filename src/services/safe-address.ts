/** An address as it may be shown: what follows `?` can be a signature, what stands before `@` a password. */
export function withoutQuery(url: URL): string {
  return `${url.origin}${url.pathname}`
}
