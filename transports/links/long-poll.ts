/**
 * Links to a server by ordinary HTTP requests, for networks that let nothing else through. In browsers and
 * elsewhere.
 */
import { limits } from '../../core/client.js';
import { systemClock, systemEntropy } from '../clock.js';
import type { Clock, Connector, Entropy } from '../ports.js';
import { ownVersions, type VersionRange } from '../versions.js';
import type { Fetch } from './long-poll-attempt.js';
import { LongPollLink } from './long-poll-link.js';
import { mostFrameBytes } from './long-poll-stream.js';
import type { RetryOptions } from './long-poll-verdict.js';

export interface LongPollConnectorOptions extends RetryOptions {
  /** `http:` or `https:`. Its query is kept, and `attempt` added to it. */
  readonly url: string;
  /** The platform's by default. */
  readonly fetch?: Fetch;
  /** Whether cookies go along, as a load balancer may need them; `same-origin` by default. */
  readonly credentials?: RequestCredentials;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  /** Longer frames end the link with `tooLarge`; as many as a message may have by default. */
  readonly maxFrameBytes?: number;
  /** Milliseconds until an attempt that was not answered is `unreachable`; 20 s by default. */
  readonly openTimeout?: number;
  /** Milliseconds, beside those that a poll is held, until a request that was not answered is repeated; 15 s by default. */
  readonly answerTimeout?: number;
  /** Milliseconds without progress after which what was sent before a close is given up; 5 s by default. */
  readonly closeTimeout?: number;
  /** Those of this package by default. */
  readonly versions?: VersionRange;
}

/** @throws Error where `url` is none of HTTP. */
export const longPollConnector = (options: LongPollConnectorOptions): Connector => {
  const linkOptions = {
    url: parseUrl(options.url),
    // Not detached from the global object: browsers refuse that.
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    credentials: options.credentials ?? 'same-origin',
    clock: options.clock ?? systemClock,
    entropy: options.entropy ?? systemEntropy,
    maxFrameBytes: Math.min(options.maxFrameBytes ?? limits.messageBytes, mostFrameBytes),
    openTimeout: options.openTimeout ?? 20_000,
    answerTimeout: options.answerTimeout ?? 15_000,
    closeTimeout: options.closeTimeout ?? 5_000,
    versions: options.versions ?? ownVersions,
    maxRetries: options.maxRetries ?? 5,
    retryDelay: options.retryDelay ?? 500,
    maxRetryDelay: options.maxRetryDelay ?? 8_000,
  };
  return { connect: (events) => new LongPollLink(linkOptions, events) };
};

const parseUrl = (url: string): URL => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed;
  throw new Error(`the URL of a long-poll server starts with http: or https:, found ${JSON.stringify(url)}`);
};
