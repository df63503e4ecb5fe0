import { randomInt } from 'node:crypto'

/** A name nobody else uses, good for a table, a queue and a container: small letters and digits, a letter first. */
export function freshName(prefix: string): string {
  const chance = Array.from({ length: 12 }, () => randomInt(36).toString(36)).join('')
  return `${prefix.toLowerCase().replace(/[^a-z0-9]/g, '')}${chance}`
}
