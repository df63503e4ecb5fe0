/** Scripts of package.json that serve until they are ended load this first: they end with their npm, even where that is killed. */

import { endInOrder } from './end-in-order.ts'
import { whenOrphaned } from './orphaned.ts'

whenOrphaned().then(endInOrder)
