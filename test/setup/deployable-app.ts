import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from '../../local/build.ts'

const PROJECT = join(import.meta.dirname, '../..')

/** A project that is this one, in a folder of its own: what is built there disturbs nobody. */
export async function projectCopy(): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'project-'))
  for (const file of ['package.json', 'host.json', 'feeds.json']) await cp(join(PROJECT, file), join(project, file))
  for (const folder of ['src', 'node_modules']) await symlink(join(PROJECT, folder), join(project, folder))
  return project
}

/** Builds the app and gives a folder with nothing but what is deployed; with these feeds packaged, where some are given. */
export async function deployableApp(feeds?: readonly object[]): Promise<string> {
  const project = await projectCopy()
  await build(project)
  const folder = await mkdtemp(join(tmpdir(), 'deployed-'))
  await cp(join(project, 'dist/app'), folder, { recursive: true })
  await rm(project, { recursive: true })
  if (feeds) await writeFile(join(folder, 'feeds.json'), JSON.stringify({ feeds }))
  return folder
}
