import type { Argument, Command, Option } from 'commander'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../cli/program.ts'
import { codeOf, namesIn, rowsOf, section, type TableRow, textOf } from './page.ts'

const PAGE = textOf('docs/commands.md')
const COMMON = rowsOf(PAGE.split(/^## /m)[0] ?? '', 'option')
const HEADINGS = Array.from(PAGE.matchAll(/^### `(.+)`$/gm), ([, usage = '']) => usage)

type Leaf = { readonly usage: string; readonly options: readonly Option[] }

/** The commands that do something, as a person types them: `feeds push`, `retry [feed]`. */
function leavesOf(parent: Command, before = ''): readonly Leaf[] {
  return parent.commands.flatMap((command) => {
    const name = `${before}${command.name()}`
    if (command.commands.length > 0) return leavesOf(command, `${name} `)
    return [{ usage: [name, ...command.registeredArguments.map(shown)].join(' '), options: command.options }]
  })
}

function shown(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`
}

const LEAVES = leavesOf(await createProgram())

const isCommon = ({ flags }: Option) => namesIn(COMMON, 'option').includes(flags)

const meaningOf = (rows: readonly TableRow[], { flags }: Option) =>
  rows.find((row) => codeOf(row.option) === flags)?.meaning ?? ''

describe('commands.md', () => {
  test('has exactly the commands of the command line', () => {
    expect(HEADINGS.toSorted()).toEqual(LEAVES.map(({ usage }) => usage).toSorted())
  })

  test('names the options that every command has, and no others as such', () => {
    const [first, ...rest] = LEAVES
    const everywhere = first?.options.filter(({ flags }) =>
      rest.every(({ options }) => options.some((option) => option.flags === flags)),
    )
    expect(namesIn(COMMON, 'option')).toEqual(everywhere?.map(({ flags }) => flags))
  })

  test.each(LEAVES)('has exactly the options of $usage', ({ usage, options }) => {
    const rows = rowsOf(section(PAGE, `### \`${usage}\``), 'option')
    const own = options.filter((option) => !isCommon(option))
    expect(namesIn(rows, 'option').toSorted()).toEqual(own.map(({ flags }) => flags).toSorted())
    for (const option of own) expect(meaningOf(rows, option).includes('required'), option.flags).toBe(option.mandatory)
  })

  test.each(LEAVES)('has the defaults of $usage', ({ usage, options }) => {
    const rows = [...COMMON, ...rowsOf(section(PAGE, `### \`${usage}\``), 'option')]
    const withDefault = options.filter(({ defaultValue }) => typeof defaultValue === 'string')
    for (const option of withDefault) expect(meaningOf(rows, option)).toContain(`\`${option.defaultValue}\` by default`)
  })

  test('has exactly the routes of functions.ts, and who may call them', () => {
    const { routePrefix } = JSON.parse(textOf('host.json')).extensions.http
    const registered = textOf('src/functions.ts').matchAll(
      /route: '([^']+)',\s+methods: \[([^\]]+)\],\s+authLevel: '(\w+)'/g,
    )
    const routes = Array.from(registered, ([, route, methods = '', level]) => ({
      route: `${methods.replaceAll("'", '')} /${routePrefix}/${route}`,
      access: level === 'function' ? 'function key' : level,
    }))
    const documented = rowsOf(PAGE, 'route').map(({ route, access }) => ({ route: codeOf(route), access }))
    const byRoute = (a: { route?: string | undefined }, b: { route?: string | undefined }) =>
      String(a.route).localeCompare(String(b.route))
    expect(routes.length).toBeGreaterThan(3)
    expect(documented.toSorted(byRoute)).toEqual(routes.toSorted(byRoute))
  })
})
