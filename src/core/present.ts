/** What may be written for a `T`: an optional field may also be undefined. */
type OrUndefined<T> = { readonly [K in keyof T]: object extends Pick<T, K> ? T[K] | undefined : T[K] }

/**
 * Gives an object without its undefined fields: an optional field of ours is absent, never undefined. `T` is the type
 * that the result is expected to have (`return present({ … })`), or is given (`present<Report>({ … })`). A field that `T`
 * does not have, or a required one that may be undefined, does not compile; nor does a call that expects no type.
 */
export function present<T extends object = never>(fields: NoInfer<OrUndefined<T>>): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
