/** Reads a whole body as text. Throws where it has more than `limit` bytes. */
export async function readBody(response: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > limit) throw new RangeError('the answer is too large')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** No answer of an authority or of a Key Vault comes near this size, in bytes. */
const JSON_LIMIT = 1024 * 1024

/** Reads a body as JSON; undefined where it is none, or too large. */
export async function readJson(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await readBody(response, JSON_LIMIT))
  } catch {
    return undefined
  }
}
