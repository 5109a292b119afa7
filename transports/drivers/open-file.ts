/** How a file is opened: its store is read, and its schema brought up to date. */
import * as E from 'fp-ts/lib/Either.js';
import {
  applyAll,
  type ClientConfig,
  decodeSchema,
  loadClient,
  newClientSession,
  recordsBySpace,
  schemaInstructions,
  syncline,
} from '../../core/client.js';
import { systemClock, systemEntropy } from '../clock.js';
import { Client } from './client.js';
import type { ClientOptions, FileOptions, Surroundings } from './client-options.js';
import { SynclineError } from './error.js';
import { placeOf } from './file-place.js';
import { aConnector, resetOptionsOf } from './given.js';
import { directLines } from './line.js';
import { loadRecovery, manualReset } from './reset.js';
import { timingOf } from './timing.js';
import { TokenKeeper } from './tokens.js';

/** Opens a file: reads its store, adds the classes and properties that it lacks, and lets it sync. */
export const openClient = async (options: ClientOptions): Promise<Client> => {
  const { token, clock = systemClock, entropy = systemEntropy } = options;
  const timing = timingOf(options.timing);
  return openFile(options, {
    lines: directLines(aConnector(options.connector)),
    tokens: new TokenKeeper(token, clock, timing.handshake),
    timing,
    clock,
    entropy,
    loadRecovery,
    closing: () => undefined,
  });
};

/** @internal As `openClient`, on what is given. */
export const openFile = async (options: FileOptions, shared: Surroundings): Promise<Client> => {
  const around = options.recorder === undefined ? shared : { ...shared, recorder: options.recorder };
  const reset = resetOptionsOf(options.reset ?? manualReset);
  const schema = decodeSchema(options.schema);
  if (E.isLeft(schema)) throw SynclineError.ofList('schema', 'the schema is not valid', schema.left);
  const entries = await options.store.load();
  const stored = loadClient(entries);
  if (E.isLeft(stored)) throw new SynclineError('store', stored.left.message, stored.left);
  const { file, reset: pending, parked, dropped } = stored.right;
  const { state } = file;
  const additions = schemaInstructions(state, schema.right);
  if (E.isLeft(additions))
    throw SynclineError.ofList('schema', 'the schema does not fit the file', additions.left);
  const extended = applyAll(state, additions.right);
  if (E.isLeft(extended)) throw new SynclineError('schema', extended.left.message, extended.left);
  const place = placeOf(options);
  const config: ClientConfig = {
    partition: place.partition,
    rules: options.rules ?? syncline,
    explain: options.explain ?? false,
    timing: around.timing,
    reset: reset.mode,
  };
  const machine = newClientSession(config, file, pending, parked, dropped);
  const resets = { options: reset, stored: recordsBySpace(entries) };
  const client = new Client(options.store, { schema: schema.right, key: place.key }, machine, around, resets);
  if (additions.right.length > 0) await client.extend(additions.right, extended.right);
  if (options.connect ?? true) client.session.resume();
  return client;
};
