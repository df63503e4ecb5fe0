/** As long as `stopProcess` waits. A process that cannot end in order, for example because its folder is gone, ends then. */
const LIMIT_MILLISECONDS = 25_000

/** Ends this process as by SIGTERM, and at once where nothing listens for that. */
export function endInOrder(): void {
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1)
  setTimeout(() => process.exit(1), LIMIT_MILLISECONDS).unref()
}
