import { type JSONVisitor, printParseErrorCode, visit } from 'jsonc-parser'

/** The message for each kind of mistake that jsonc-parser finds. */
const MISTAKES: Readonly<Record<ReturnType<typeof printParseErrorCode>, string>> = {
  InvalidSymbol: 'an invalid symbol (names and texts go in double quotes)',
  InvalidNumberFormat: 'an invalid number',
  PropertyNameExpected: 'a name in double quotes is missing',
  ValueExpected: 'a value is missing',
  ColonExpected: 'a colon is missing',
  CommaExpected: 'a comma or a closing bracket is missing',
  CloseBraceExpected: 'a } is missing',
  CloseBracketExpected: 'a ] is missing',
  EndOfFileExpected: 'something after the end',
  InvalidCommentToken: 'a comment, which JSON does not allow,',
  UnexpectedEndOfComment: 'a comment that is not closed',
  UnexpectedEndOfString: 'a text that is not closed on its line',
  UnexpectedEndOfNumber: 'a number that is cut off',
  InvalidUnicode: 'a text with a \\u without four hexadecimal digits after it',
  InvalidEscapeCharacter: 'a text with an unknown escape sequence',
  InvalidCharacter: 'a text with a tab or another control character',
  '<unknown ParseErrorCode>': 'something that is not JSON',
}

/**
 * Parses JSON, or gives its first mistake and the place of it. Lines and columns count from 1. `JSON.parse` decides whether
 * the text is JSON, but its messages give the place of only some mistakes, so jsonc-parser finds the place.
 */
export function parseJson(text: string): { readonly value: unknown } | { readonly mistake: string | undefined } {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { mistake: firstMistake(text) }
  }
}

function firstMistake(text: string): string | undefined {
  const mistakes: string[] = []
  const onError: Exclude<JSONVisitor['onError'], undefined> = (code, _offset, _length, line, column) => {
    mistakes.push(`${MISTAKES[printParseErrorCode(code)]} at line ${line + 1}, column ${column + 1}`)
  }
  try {
    visit(text, { onError }, { disallowComments: true })
  } catch {
    // `visit` calls itself for each bracket, so thousands of nested brackets overflow the stack.
    return 'its brackets are nested too deeply'
  }
  return mistakes[0]
}
