import { type Cost, measure, type Run } from './run.ts'

/** The message that the process sends at its end: the cost of the run, or the error. */
export type Said = { readonly cost: Cost } | { readonly error: string }

async function say(): Promise<Said> {
  try {
    return { cost: await measure(JSON.parse(process.argv[2] ?? '') as Run) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

void say().then((said) => process.send?.(said))
