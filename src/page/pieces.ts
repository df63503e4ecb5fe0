import { type Child, element, type Tree } from './tree.ts'

/** A number or time with its name before it. */
export function pair(name: string, value: string, attributes: Readonly<Record<string, string>> = {}): Tree {
  return element('span', { class: 'pair', ...attributes }, element('span', { class: 'name' }, name), ' ', value)
}

/** A command, with a button that copies it as it is written. */
export function command(text: string, copied: string | undefined): Tree {
  const word = text === copied ? 'copied' : 'copy'
  const button = { type: 'button', 'data-copy': text, 'aria-label': `${word} ${text}`, class: 'copy' }
  return element('div', { class: 'command' }, element('code', {}, text), element('button', button, word))
}

/** A sentence in which a name stands out. */
export function withName(sentence: string, name: string | undefined): readonly Child[] {
  const at = name ? sentence.indexOf(name) : -1
  if (name === undefined || at === -1) return [sentence]
  return [sentence.slice(0, at), element('strong', {}, name), sentence.slice(at + name.length)]
}

/** A list of names and values, one below the other. */
export function facts(attributes: Readonly<Record<string, string>>, rows: readonly (readonly [string, Child])[]): Tree {
  return element(
    'dl',
    attributes,
    rows.flatMap(([name, value]) => [
      element('dt', { key: `${name}:` }, name),
      element('dd', { key: `${name}=` }, value),
    ]),
  )
}
