/** Where the tab keeps the key. Another tab does not see it, and it goes when the tab is closed. */
const PLACE = 'key'

/** Takes the key from behind the `#` of the address, or from what this tab has kept. */
export function takeKey(): string | undefined {
  const text = location.hash.slice(1)
  if (text !== '') {
    keepKey(decoded(text))
    // So it is in no picture of the screen, in no bookmark and in no history.
    history.replaceState(null, '', location.pathname)
  }
  return sessionStorage.getItem(PLACE) ?? undefined
}

export function keepKey(key: string): void {
  sessionStorage.setItem(PLACE, key)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
