/** What a client needs besides when the server asks for a client reset; loaded then. */
export { droppedIn, parkedOf } from './reset/losses.js';
export { packed } from './reset/packed-writes.js';
export { Recovery } from './reset/recovery.js';
export { discarded, reportOf } from './reset/report.js';
export { type Candidates, changesWithin } from './session/changes-within.js';
