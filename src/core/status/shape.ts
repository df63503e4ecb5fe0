/**
 * What a field of an answer holds. An answer is described once, as a table of fields: its type, its JSON schema and its table
 * in the docs all come from there.
 */
export type Shape =
  | 'text'
  | 'count'
  | 'flag'
  | 'instant'
  | { readonly words: readonly string[] }
  | { readonly list: Shape }
  /** An object whose names are data, such as the names of columns. */
  | { readonly byName: Shape }
  | { readonly fields: Fields }

/** `means`: a sentence for the schema and the docs. An optional field is absent where it says nothing. */
export type Field = { readonly is: Shape; readonly means: string; readonly optional?: true }

export type Fields = { readonly [name: string]: Field }

/** The value of a shape. Instants are `Date`, and text in JSON. */
export type ValueOf<S> = S extends 'text'
  ? string
  : S extends 'count'
    ? number
    : S extends 'flag'
      ? boolean
      : S extends 'instant'
        ? Date
        : S extends { readonly words: readonly (infer W)[] }
          ? W
          : S extends { readonly list: infer L }
            ? readonly ValueOf<L>[]
            : S extends { readonly byName: infer V }
              ? Readonly<Record<string, ValueOf<V>>>
              : S extends { readonly fields: infer F }
                ? ObjectOf<F>
                : never

type OptionalNames<F> = { [K in keyof F]: F[K] extends { readonly optional: true } ? K : never }[keyof F]

type ValueAt<F> = F extends { readonly is: infer S } ? ValueOf<S> : never

/** The object that a table of fields describes. */
export type ObjectOf<F> = Flat<
  { readonly [K in Exclude<keyof F, OptionalNames<F>>]: ValueAt<F[K]> } & {
    readonly [K in OptionalNames<F>]?: ValueAt<F[K]>
  }
>

/** One object type instead of two, so that messages of the compiler stay readable. */
type Flat<T> = { readonly [K in keyof T]: T[K] }

/** A value as it arrives over HTTP, where instants are text. */
export type InJson<T> = T extends Date
  ? string
  : T extends readonly (infer E)[]
    ? readonly InJson<E>[]
    : T extends object
      ? { readonly [K in keyof T]: InJson<T[K]> }
      : T
