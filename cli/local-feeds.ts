import type { Problems } from '../src/core/problems.ts'
import { reasonOf } from '../src/services/safe-text.ts'
import { isMissing, readText } from '../src/services/text-file.ts'

/** The text of the local feeds, or why nobody can read it and what to type then. */
export async function readLocalText(file: string): Promise<{ readonly text: string } | Problems> {
  try {
    return { text: await readText(file) }
  } catch (error) {
    return { problems: [unreadableFeeds(file, error)] }
  }
}

/** Says why the local feeds could not be read, and what to type. */
export function unreadableFeeds(file: string, error: unknown): string {
  const why = isMissing(error) ? 'does not exist' : `cannot be read (${reasonOf(error)})`
  return `${file} ${why}: name the file of your feeds with --feeds, or get those that were pushed with "feeds pull"`
}
