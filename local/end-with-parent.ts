/**
 * `startNode` loads this first in every process it starts. When the process that started it is gone, even killed, this one
 * ends in order. So no run leaves a process behind.
 */

import { endInOrder } from './end-in-order.ts'

// The channel alone must not keep a finished process running.
process.channel?.unref()
process.once('disconnect', endInOrder)
