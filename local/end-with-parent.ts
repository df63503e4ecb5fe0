/**
 * Loaded first in a process that `startNode` starts: when the one that started it is gone, even killed, this one is
 * told to end as by SIGTERM, and ends at once when it is not ready to listen. So no run leaves a process behind.
 */

// The channel alone must not keep a process running that has finished.
process.channel?.unref()
process.once('disconnect', () => {
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1)
})
