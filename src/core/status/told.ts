import { type FailureKind, isOfSignIn } from '../failures.ts'

type OfFeed = { readonly name: string; readonly account: string; readonly blocked?: { readonly kind: FailureKind } }
type All = {
  readonly toDo: readonly { readonly feed?: string; readonly window?: string }[]
  readonly accounts: readonly { readonly name: string; readonly refused?: object }[]
}

/** Whether a failure of a feed is told elsewhere: of its account, as the block of the feed, or as a window that needs a person. */
export function isTold(
  { name, account, blocked }: OfFeed,
  { toDo, accounts }: All,
  { kind, window }: { readonly kind: FailureKind; readonly window?: string },
): boolean {
  if (kind === blocked?.kind) return true
  if (isOfSignIn({ kind }) && accounts.some((each) => each.name === account && each.refused)) return true
  return window !== undefined && toDo.some((each) => each.feed === name && each.window === window)
}
