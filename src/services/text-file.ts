import { readFile } from 'node:fs/promises'

/** Reads a file of UTF-8 text, as an editor or a shell wrote it. Throws what the file system throws. */
export async function readText(path: string): Promise<string> {
  return withoutMark(await readFile(path, 'utf8'))
}

/** A text without the byte order mark that Windows editors put before it: JSON may not begin with one. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}
