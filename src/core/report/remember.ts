/** Keeps the last result of a pure function of a text: rows come in order of time, so most repeat the date before. */
export function remembering<Result>(compute: (text: string) => Result): (text: string) => Result {
  let lastText = ''
  let last = compute(lastText)
  return (text) => {
    if (text === lastText) return last
    lastText = text
    last = compute(text)
    return last
  }
}
