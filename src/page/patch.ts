import type { Tree } from './tree.ts'

/** What stands in the document, by its node: the next picture is compared with it. */
const drawn = new WeakMap<Node, Tree | string>()

/**
 * Makes the children of an element what they should be, and touches only what differs: what has the focus, is unfolded or is
 * scrolled stays so. Text goes in as text.
 */
export function patch(parent: Element, wanted: readonly (Tree | string)[]): void {
  removeGone(parent, new Set(wanted.map(nameOf)))
  const byName = new Map(Array.from(parent.childNodes, (node) => [nameOf(drawn.get(node) ?? ''), node] as const))
  let at = parent.firstChild
  for (const want of wanted) {
    const known = typeof want !== 'string' && want.key !== undefined ? byName.get(nameOf(want)) : at
    const node = known && canBecome(known, want) ? known : create(want)
    if (node === at) at = at.nextSibling
    else parent.insertBefore(node, at)
    update(node, want)
  }
  while (at) {
    const next = at.nextSibling
    at.remove()
    at = next
  }
}

/** What has a key and is not wanted any more goes first, so that the others stay where they are. */
function removeGone(parent: Element, names: ReadonlySet<string>): void {
  for (const node of Array.from(parent.childNodes)) {
    const before = drawn.get(node)
    if (typeof before === 'object' && before.key !== undefined && !names.has(nameOf(before))) node.remove()
  }
}

function nameOf(tree: Tree | string): string {
  return typeof tree === 'string' ? '' : `${tree.tag} ${tree.key ?? ''}`
}

function canBecome(node: Node, want: Tree | string): boolean {
  const before = drawn.get(node)
  if (before === undefined || typeof before === 'string' || typeof want === 'string')
    return typeof before === 'string' && typeof want === 'string'
  return before.tag === want.tag && before.key === want.key
}

function create(want: Tree | string): Node {
  const node = typeof want === 'string' ? document.createTextNode(want) : document.createElement(want.tag)
  drawn.set(node, typeof want === 'string' ? want : { tag: want.tag, attributes: {}, children: [] })
  return node
}

function update(node: Node, want: Tree | string): void {
  const before = drawn.get(node)
  if (before === want) return
  drawn.set(node, want)
  if (typeof want === 'string') node.nodeValue = want
  else if (node instanceof Element && typeof before === 'object') {
    setAttributes(node, before.attributes, want.attributes)
    patch(node, want.children)
  }
}

function setAttributes(node: Element, before: Tree['attributes'], want: Tree['attributes']): void {
  for (const name of Object.keys(before)) if (!(name in want)) node.removeAttribute(name)
  for (const [name, value] of Object.entries(want)) if (before[name] !== value) node.setAttribute(name, value)
}
