/**
 * The entry point `syncline/long-poll`: links over HTTP requests, for browsers and for whatever serves HTTP,
 * and the connector that falls back to them where nothing better gets through.
 */
export { type FallbackOptions, fallbackConnector } from './links/fallback.js';
export { type LongPollConnectorOptions, longPollConnector } from './links/long-poll.js';
export type { Fetch } from './links/long-poll-attempt.js';
export type { ByteSource } from './links/long-poll-body.js';
export type { CorsOptions } from './links/long-poll-cors.js';
export type { HttpAnswer, HttpRequest } from './links/long-poll-http.js';
export {
  type NodeHandlerOptions,
  type NodeRequestLike,
  type NodeResponseLike,
  nodeHandler,
} from './links/long-poll-node.js';
export {
  type LongPollListener,
  type LongPollListenerOptions,
  longPollListener,
} from './links/long-poll-server.js';
export type { VersionRange } from './versions.js';
