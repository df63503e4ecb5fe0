/**
 * Loaded first in a process that `startNode` starts: when the one that started it is gone, even killed, this one is
 * told to end as by SIGTERM, and ends at once when it is not ready to listen. So no run leaves a process behind.
 */

/** As long as `stopProcess` waits: who cannot end in order, as when its folder is gone, ends all the same. */
const LIMIT_MILLISECONDS = 10_000

// The channel alone must not keep a process running that has finished.
process.channel?.unref()
process.once('disconnect', () => {
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1)
  setTimeout(() => process.exit(1), LIMIT_MILLISECONDS).unref()
})
