import { type Failure, isFailure } from '../src/core/failures.ts'
import { type AccountView, openAccounts } from './accounts.ts'
import type { Context } from './context.ts'
import { type Outcome, refused, table } from './output.ts'

/** A column of what is shown, and how a row fills it. */
export type Columns<R> = readonly (readonly [name: string, cell: (row: R) => string])[]

/** Lists something of each account; an account that can't be asked is named, and is exit 1. */
export async function listOfAccounts<R extends object>(
  context: Context,
  name: string,
  columns: Columns<R & { readonly account: string }>,
  read: (view: AccountView) => Promise<readonly R[] | Failure>,
): Promise<Outcome> {
  const views = await openAccounts(context)
  if ('problems' in views) return refused(views.problems)
  const rows: (R & { readonly account: string })[] = []
  const problems: string[] = []
  for (const view of views) {
    const found = await read(view)
    if (isFailure(found)) problems.push(found.message)
    else rows.push(...found.map((row) => ({ account: view.name, ...row })))
  }
  const head = columns.map(([heading]) => heading)
  const lines = table(
    head,
    rows.map((row) => columns.map(([, cell]) => cell(row))),
  )
  return { exit: problems.length === 0 ? 0 : 1, json: { [name]: rows, problems }, lines, problems }
}
