/** A piece of the page as it should be. Only `patch.ts` touches the document. */
export type Tree = {
  readonly tag: string
  /** Tells the pieces of a list apart, so that one that goes moves no other. */
  readonly key?: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (Tree | string)[]
}

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>
export type Child = Tree | string | undefined | readonly Child[]

/** An element. An attribute that is undefined or false is left out, as is a child that is undefined. Text stays text. */
export function element(tag: string, { key, ...attributes }: Attributes, ...children: readonly Child[]): Tree {
  const set = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [[name, value === true ? '' : String(value)]],
  )
  return {
    tag,
    ...(key !== undefined && { key: String(key) }),
    attributes: Object.fromEntries(set),
    children: children.flatMap(flat),
  }
}

function flat(child: Child): readonly (Tree | string)[] {
  if (child === undefined || child === '') return []
  if (typeof child === 'string') return [child]
  return 'tag' in child ? [child] : child.flatMap(flat)
}

/** All text in a piece, in order. */
export function textOf(tree: Tree | string): string {
  return typeof tree === 'string' ? tree : tree.children.map(textOf).join(' ')
}
