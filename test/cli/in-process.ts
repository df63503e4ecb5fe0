import { runProgram } from '../../cli/program.ts'

export type Run = { readonly exit: number | null; readonly out: string; readonly err: string }

/** Folder, environment, output and exit code are those of the whole process: one command has them at a time. */
let last: Promise<unknown> = Promise.resolve()

/**
 * Runs a command in this process, as main.ts does in one of its own, where a second goes by before anything happens. What is
 * about the process itself, such as signals and how it ends, needs `runCommand`.
 */
export function runInProcess(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> {
  const run = last.then(() => runNow(cwd, args, env))
  last = run.catch(() => undefined)
  return run
}

async function runNow(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> {
  const before = { cwd: process.cwd(), env: process.env, exit: process.exitCode }
  const [out, err] = [capture(process.stdout), capture(process.stderr)]
  try {
    process.chdir(cwd)
    process.env = { ...env }
    process.exitCode = undefined
    await runProgram(args)
    return { exit: Number(process.exitCode ?? 0), out: out.text(), err: err.text() }
  } finally {
    process.chdir(before.cwd)
    process.env = before.env
    process.exitCode = before.exit
    out.end()
    err.end()
  }
}

/** Keeps what is written to a stream from it, until the end. */
function capture(stream: NodeJS.WriteStream) {
  const { write } = stream
  const chunks: Buffer[] = []
  stream.write = (chunk: string | Uint8Array, ...rest: readonly unknown[]) => {
    chunks.push(Buffer.from(chunk as string))
    const done = rest.findLast((each) => typeof each === 'function')
    if (done) (done as () => void)()
    return true
  }
  return {
    text: () => Buffer.concat(chunks).toString('utf8'),
    end() {
      stream.write = write
    },
  }
}
