/** The entry point `syncline/admin`: the administration of a server over HTTP. */
export {
  type AdminErrorCode,
  type AdminOptions,
  adminHandler,
  nodeAdminHandler,
} from './drivers/admin.js';
export type { NodeRequestLike, NodeResponseLike } from './links/long-poll-node.js';
