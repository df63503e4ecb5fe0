import { readFile } from 'node:fs/promises'

/** Reads a file of UTF-8 text, as an editor or a shell wrote it. Throws what the file system throws. */
export async function readText(path: string): Promise<string> {
  return withoutMark(await readFile(path, 'utf8'))
}

/** Whether a file could not be read because there is none of that name. */
export function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ENOENT'
}

/** A text without the byte order mark that Windows editors put before it: JSON may not begin with one. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}
