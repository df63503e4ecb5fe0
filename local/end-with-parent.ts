/**
 * `startNode` loads this first in every process it starts. When the process that started it is gone, even killed, this one
 * is told to end as by SIGTERM, and ends at once where nothing listens for that. So no run leaves a process behind.
 */

/** As long as `stopProcess` waits. A process that cannot end in order, for example because its folder is gone, ends then. */
const LIMIT_MILLISECONDS = 25_000

// The channel alone must not keep a finished process running.
process.channel?.unref()
process.once('disconnect', () => {
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1)
  setTimeout(() => process.exit(1), LIMIT_MILLISECONDS).unref()
})
