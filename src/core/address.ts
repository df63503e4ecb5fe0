/** An address in a setting: https, or http on this machine, so that no token, secret or row goes out in clear. */
const FORM = /^https?:\/\/[^\s/?#@\\]+(\/[^\s?#@\\]*)?$/i

/**
 * Says what is wrong with the address in a setting; undefined where it is right. The words never contain the address: it may
 * hold a password. A user name, a query or a fragment is refused, because the app appends paths of its own, and because
 * addresses get into messages.
 */
export function addressProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is not an address'
  const { protocol, hostname } = new URL(text)
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
  if (!isSafe) return 'is not an https address; plain http is only for this machine (loopback)'
  return FORM.test(text) ? undefined : 'has a user name, a query, a fragment or a blank, which no address here has'
}

/** Whether a host name, as `URL` gives it, is this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
