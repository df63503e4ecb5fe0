/**
 * `startAzurite` loads this first in its process. By itself Azurite writes all tables anew every 5 s when one row changed, as each
 * tick does here, and answers nobody meanwhile: a second or more for 24,000 rows. It has no option for that. When it ends in
 * order, it writes what has changed since.
 */

import { createRequire } from 'node:module'

/** What a killed Azurite forgets. */
const SAVE_EVERY_MS = 60_000

/** The database in which Azurite keeps everything but the bytes of blobs and messages. */
type Database = { autosaveInterval: number; autosaveEnable(): void }

const azurite = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js')
const { prototype } = createRequire(azurite)('lokijs') as { prototype: Database }
const { autosaveEnable } = prototype
prototype.autosaveEnable = function enable() {
  this.autosaveInterval = SAVE_EVERY_MS
  autosaveEnable.call(this)
}
