/** Whose work the bundle contains, and under which licences: the text of NOTICE. */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Metafile } from 'esbuild'
import { bundle } from './build.ts'

const PROJECT = resolve(import.meta.dirname, '..')
const ENTRY = join(PROJECT, 'src/functions.ts')

/** A package of which something is in the bundle. */
export type BundledPackage = {
  readonly name: string
  readonly version: string
  /** As its package.json names it. */
  readonly licence: string
  /** What the licence asks to be passed on. */
  readonly text: string
}

/** The packages of which something is in the bundle of the app, by name. Throws where one names no licence. */
export async function bundledPackages(): Promise<readonly BundledPackage[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'))
  try {
    const { metafile } = await bundle({ entry: ENTRY, outfile: join(folder, 'functions.cjs') })
    return await Promise.all(packageFolders(metafile).map(readPackage))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The folders of packages, under node_modules, that gave bytes to a bundle. */
function packageFolders({ outputs }: Metafile): readonly string[] {
  const inputs = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs))
  const given = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  const folders = given.flatMap(([path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
  return [...new Set(folders)].map((path) => resolve(PROJECT, 'src', path)).sort()
}

async function readPackage(folder: string): Promise<BundledPackage> {
  const { name, version, license, author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  if (typeof license !== 'string') throw new Error(`${name} names no licence`)
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each))
  const text = file ? await readFile(join(folder, file), 'utf8') : mitOf(name, license, author?.name ?? author)
  return { name, version, licence: license, text: text.replaceAll('\r\n', '\n').trim() }
}

/** A package without a file of its licence is passed on under the text that it names. */
function mitOf(name: string, licence: string, author: unknown): string {
  if (licence !== 'MIT' || typeof author !== 'string') throw new Error(`${name} has no file with its licence`)
  return `The MIT License (MIT)\n\nCopyright (c) ${author}\n\n${MIT}`
}

/** The terms of the MIT License, as its publisher has them (https://opensource.org/license/mit). */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`

/** The text of NOTICE: every package with version and licence, then each licence text once, with the packages it is of. */
export function noticeText(packages: readonly BundledPackage[]): string {
  const list = packages.map(({ name, version, licence }) => `${name} ${version} (${licence})`)
  const texts = Map.groupBy(packages, ({ text }) => text)
  const licences = [...texts].map(([text, of]) => `Of ${of.map(({ name }) => name).join(', ')}:\n\n${text}`)
  const head =
    'partner-insights-sync is under the MIT License, as LICENSE says. What is deployed contains these packages:'
  const line = '-'.repeat(80)
  return `${[head, list.join('\n'), ...licences.flatMap((each) => [line, each])].join('\n\n')}\n`
}
