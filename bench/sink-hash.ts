import { hash } from 'node:crypto'

/** Hashes a written row to two 32-bit numbers: every property with its type and its value as the service stores it. */
export function rowHash(method: string, json: string): readonly [number, number] {
  const row = JSON.parse(json) as Record<string, unknown>
  const names = Object.keys(row).filter((name) => !name.endsWith('@odata.type'))
  const properties = names.sort().map((name) => `${name}\0${stored(row[name], row[`${name}@odata.type`])}`)
  const digest = hash('sha1', `${method}\0${properties.join('\0')}`, 'buffer')
  return [digest.readUInt32BE(0), digest.readUInt32BE(4)]
}

/** Formats a value as the service stores it. Without a type, a whole number is an Int32 and text is a string. */
function stored(value: unknown, type: unknown): string {
  if (type === undefined) return `${impliedType(value)}\0${value}`
  if (type === 'Edm.Double') return `${type}\0${Number(value)}`
  if (type === 'Edm.Int64') return `${type}\0${BigInt(String(value))}`
  if (type === 'Edm.DateTime') return `${type}\0${Date.parse(String(value))}`
  return `${type}\0${value}`
}

function impliedType(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'Edm.Int32' : 'Edm.Double'
  return typeof value === 'boolean' ? 'Edm.Boolean' : 'Edm.String'
}
