import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { type BundledPackage, bundledPackages, noticeText } from '../../local/notice.ts'

const PROJECT = join(import.meta.dirname, '../..')

type Component = {
  readonly name: string
  readonly version: string
  readonly licenses: readonly { readonly license: { readonly id: string } }[]
}

let bundled: readonly BundledPackage[]
beforeAll(async () => {
  bundled = await bundledPackages()
})

describe('NOTICE', () => {
  it('is of the bundle as it is', async () => {
    // Where this is red: npm run docs
    expect(await readFile(join(PROJECT, 'NOTICE'), 'utf8')).toBe(noticeText(bundled))
  })

  it('names every package that is bundled, and passes on what its licence asks for', async () => {
    const notice = await readFile(join(PROJECT, 'NOTICE'), 'utf8')
    expect(bundled.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['@azure/data-tables', '@azure/identity', '@azure/storage-blob', 'jsonc-parser']),
    )
    for (const { name, version, licence, text } of bundled) {
      expect(notice).toContain(`\n${name} ${version} (${licence})\n`)
      expect(notice).toContain(text)
      expect(text, name).toMatch(/copyright/i)
      expect(text, name).toMatch(/Permission (is hereby granted|to use)|Redistribution and use|Apache License/)
    }
  })

  it('is of licences that allow the app to be passed on under its own', () => {
    const known = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD']
    expect(bundled.filter(({ licence }) => !known.includes(licence))).toEqual([])
  })
})

describe('npm run sbom', () => {
  it('lists every package that is bundled, without the tools and without asking a registry', async () => {
    const env = { ...process.env, npm_config_registry: 'http://127.0.0.1:9/' }
    const { stdout } = await promisify(execFile)(process.execPath, ['local/sbom.ts'], { cwd: PROJECT, env })
    const { bomFormat, metadata, components } = JSON.parse(stdout)
    expect({ bomFormat, app: metadata.component.name }).toEqual({
      bomFormat: 'CycloneDX',
      app: 'partner-insights-sync',
    })
    const listed = (components as readonly Component[]).map(
      ({ name, version, licenses }) => `${name} ${version} ${licenses[0]?.license.id}`,
    )
    expect(listed).toEqual(
      expect.arrayContaining(bundled.map((each) => `${each.name} ${each.version} ${each.licence}`)),
    )
    expect(listed.filter((each) => /^(vitest|azurite|typescript|esbuild|node-linux)/.test(each))).toEqual([])
  })
})
