/** The entry point `syncline/websocket`: links over WebSocket, for browsers and for servers with the package `ws`. */
export { type WebSocketConnectorOptions, webSocketConnector } from './links/websocket.js';
export type { WebSocketLike } from './links/websocket-link.js';
export {
  type AttachedServerOptions,
  type OwnServerOptions,
  type ServerSocketLike,
  type WebSocketListener,
  type WebSocketServerLike,
  webSocketListener,
} from './links/websocket-server.js';
export type { VersionRange } from './versions.js';
