/** Whether these are the first bytes of gzip, whatever headers and names say. One byte alone is gzip that was cut off. */
export function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && (head.length < 2 || head[1] === 0x8b)
}
