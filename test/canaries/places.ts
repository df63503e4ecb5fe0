import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BlobServiceClient } from '@azure/storage-blob'
import type { Azurite } from '../../local/azurite.ts'
import { startNode } from '../../local/processes.ts'
import type { ProxiedRequest } from '../../local/proxy.ts'
import type { Place } from '../setup/canaries.ts'

const CLI = join(import.meta.dirname, '../../cli')

/** A command that waits for a person is ended after so many milliseconds. What it said until then counts. */
const COMMAND_LIMIT = 15_000

/** Everything that an app wrote to its tables and queues, including rows that were replaced later. */
export function writtenPlaces(calls: readonly ProxiedRequest[]): readonly Place[] {
  return calls.map(({ method, path, body = '' }) => ({ where: `${method} ${path}`, text: `${path} ${body}` }))
}

/** Names and metadata of everything in Blob Storage, and what the app itself wrote there: the rejects. */
export async function blobPlaces({ connectionString }: Azurite): Promise<readonly Place[]> {
  const service = BlobServiceClient.fromConnectionString(connectionString)
  const places: Place[] = []
  for await (const { name: container } of service.listContainers()) {
    const client = service.getContainerClient(container)
    for await (const blob of client.listBlobsFlat({ includeMetadata: true })) {
      places.push({ where: `blob ${blob.name}`, text: JSON.stringify(blob) })
      if (!blob.name.endsWith('.jsonl')) continue
      const text = (await client.getBlobClient(blob.name).downloadToBuffer()).toString('utf8')
      places.push({ where: `rejects ${blob.name}`, text })
    }
  }
  return places
}

/** Calls an HTTP function and gives all that is answered. */
export async function answerOf(address: string, init: RequestInit = {}): Promise<Place> {
  const response = await fetch(address, init)
  const text = `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`
  return { where: `answer of ${new URL(address).pathname}`, text }
}

export type Output = Place & { readonly exit: number | null }

/** Runs a command in a process of its own, opens the sign-in page if it asks for that, and gives all its output. */
export async function outputOf(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Output> {
  const child = startNode([join(CLI, 'main.ts'), ...args], { env, cwd, output: 'pipe' })
  const said: string[] = []
  const hear = (chunk: Buffer) => {
    said.push(chunk.toString('utf8'))
    const signIn = /https:\S+\/authorize\?\S+/.exec(chunk.toString('utf8'))
    // The answer to the browser does not matter: a failed sign-in shows in the output.
    if (signIn) void fetch(signIn[0]).catch(() => undefined)
  }
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', hear)
  const end = setTimeout(() => child.kill('SIGKILL'), COMMAND_LIMIT)
  // Not `close`: Node never emits it for a child with a channel that was closed from this side.
  await Promise.all([
    once(child, 'exit'),
    ...[child.stdout, child.stderr].map((stream) => stream && once(stream, 'close')),
  ])
  clearTimeout(end)
  return { where: `command ${args[0]}`, text: said.join(''), exit: child.exitCode }
}

/** The arguments of commands that need some. All others only get --json. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  feeds: ['diff'],
  import: ['costs', 'none.csv', '--window', '20250101T000000Z_20250201T000000Z'],
  replay: ['costs', '--from', '2025-01-01'],
}

/** A command line for every command there is. */
export async function commandLines(): Promise<readonly (readonly string[])[]> {
  const names = (await readdir(join(CLI, 'commands'))).map((file) => file.replace(/\.ts$/, ''))
  return names.map((name) => [name, ...(ARGUMENTS[name] ?? []), '--json'])
}
