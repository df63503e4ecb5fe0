import { startHost } from '../local/host/host.ts'

/** What the process says first: where the host listens. */
export type Listening = { readonly origin: string }

/** What it says each time it is asked: its peak memory so far, in MiB. */
export type Peak = { readonly rssMb: number }

const { origin } = await startHost({ root: process.argv[2] ?? '', port: 0, log: () => undefined })

process.on('message', () => process.send?.({ rssMb: process.resourceUsage().maxRSS / 1024 } satisfies Peak))
process.send?.({ origin } satisfies Listening)
