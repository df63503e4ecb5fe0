/** Self-signed certificates for the servers on loopback that must speak HTTPS. */

import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generate } from 'selfsigned'

/** A self-signed certificate, which clients trust directly, and its private key, both PEM. */
export type Certificate = { readonly certificate: string; readonly key: string }

const YEARS = 10

/**
 * Makes a certificate for `localhost` and 127.0.0.1, valid for ten years from an hour ago (clocks differ). No two have the
 * same subject: a client that trusts two certificates of one subject may check one against the other.
 */
export async function makeCertificate(): Promise<Certificate> {
  const notBeforeDate = new Date(Date.now() - 3_600_000)
  const notAfterDate = new Date(notBeforeDate)
  notAfterDate.setUTCFullYear(notBeforeDate.getUTCFullYear() + YEARS)
  const made = await generate([{ name: 'commonName', value: `localhost ${randomUUID()}` }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate,
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return { certificate: made.cert, key: made.private }
}

/** Gives the certificate at `<base>.certificate.pem` and `<base>.key.pem`. Makes it the first time. */
export async function keepCertificate(base: string): Promise<Certificate> {
  const files = certificateFiles(base)
  if (existsSync(files.certificate) && existsSync(files.key)) {
    return { certificate: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') }
  }
  const made = await makeCertificate()
  mkdirSync(dirname(base), { recursive: true })
  writeFileSync(files.key, made.key, { mode: 0o600 })
  writeFileSync(files.certificate, made.certificate)
  return made
}

/** The files of `keepCertificate`. */
export function certificateFiles(base: string): { readonly certificate: string; readonly key: string } {
  return { certificate: `${base}.certificate.pem`, key: `${base}.key.pem` }
}
