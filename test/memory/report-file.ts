import { createHash } from 'node:crypto'

const AWKWARD = ['Zoë "Z"', 'two\r\nlines', 'a, b', '東京 😀', '', "'; --"]

/** A report of May 2025: awkward names, `width` characters that hardly compress, and 1 row in 100 that cannot land, the first of two lines. */
export function reportFile(rows: number, seed: string, width = 64): Buffer {
  const lines = Array.from({ length: rows }, (_, number) => {
    const name = `${AWKWARD[number % AWKWARD.length]} ${noise(`${seed} ${number}`, width)}`
    const quantity = number % 100 === 43 ? 'many' : `${number - 50}.${'0'.repeat(number % 9)}1`
    return `2025-05-01,"${name.replaceAll('"', '""')}",${quantity}`
  })
  return Buffer.from(['Month,CustomerName,UsageQuantity', ...lines, ''].join('\r\n'))
}

function noise(seed: string, width: number): string {
  const pieces = Array.from({ length: Math.ceil(width / 44) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest('base64'),
  )
  return pieces.join('').slice(0, width)
}
