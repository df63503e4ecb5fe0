import { describe, expect, it } from 'vitest'
import { allowedLink, DEFAULT_DOWNLOAD_HOSTS, hostProblem } from '../../src/core/report/download-hosts.ts'

const allowed = (link: string, hosts = DEFAULT_DOWNLOAD_HOSTS) => allowedLink(new URL(link), hosts) === undefined

describe('a download link', () => {
  it.each([
    ['https://account.blob.core.windows.net/r.csv?sig=x', true],
    ['http://account.blob.core.windows.net/r.csv', false],
    ['https://blob.core.windows.net/r.csv', false],
    ['https://evilblob.core.windows.net/r.csv', false],
    ['https://account.blob.core.windows.net.evil.example/r.csv', false],
    ['https://account.blob.core.windows.net@evil.example/r.csv', false],
    ['https://account.blob.core.windows.net:8443/r.csv', false],
    ['https://ACCOUNT.BLOB.CORE.WINDOWS.NET/r.csv', true],
    ['https://127.0.0.1/r.csv', false],
    ['ftp://account.blob.core.windows.net/r.csv', false],
  ])('%s is followed by default: %s', (link, expected) => {
    expect(allowed(link)).toBe(expected)
  })

  it.each([
    ['https://reports.example/r.csv', 'reports.example', true],
    ['https://sub.reports.example/r.csv', 'reports.example', false],
    ['http://reports.example/r.csv', 'reports.example', false],
    ['https://reports.example:444/r.csv', 'reports.example', false],
    ['https://reports.example:444/r.csv', 'reports.example:444', true],
    ['https://sub.reports.example/r.csv', '*.Reports.Example', true],
    ['http://127.0.0.1:7072/r.csv', 'http://127.0.0.1:7072', true],
    ['http://127.0.0.1:7073/r.csv', 'http://127.0.0.1:7072', false],
    ['https://127.0.0.1:7072/r.csv', 'http://127.0.0.1:7072', false],
  ])('%s is followed under "%s": %s', (link, host, expected) => {
    expect(allowed(link, [host])).toBe(expected)
  })

  it('that is refused is told by its host alone', () => {
    const refusal = allowedLink(new URL('https://user:secret@evil.example/path?sig=secret'), DEFAULT_DOWNLOAD_HOSTS)
    expect(refusal).toMatchObject({
      kind: 'link-refused',
      message: expect.stringContaining('https://evil.example:'),
    })
    expect(refusal?.message).not.toMatch(/secret|path/)
  })
})

describe('an item of REPORT_DOWNLOAD_HOSTS', () => {
  it.each([
    ['reports.example', true],
    ['*.reports.example', true],
    ['reports.example:8443', true],
    ['http://127.0.0.1:7072', true],
    ['http://localhost:7072', true],
    ['https://reports.example', true],
    ['http://reports.example', false],
    ['http://127.0.0.1:7072/path', false],
    ['https://user@reports.example', false],
    ['*', false],
    ['*.*', false],
    ['', false],
    ['reports example', false],
    ['https://', false],
  ])('"%s" is taken: %s', (host, expected) => {
    expect(hostProblem(host) === undefined).toBe(expected)
  })
})
