/**
 * The law of long-poll requests: whatever clients ask, in whatever order, again, ahead or too late, the listener
 * answers; each link is told the frames of its stream in order, each once, and is closed at most once; what a poll
 * brings is what was sent, from where it says; and who keeps to the protocol notices nothing of it.
 */
import { Bench, parsed, type Session } from '../long-poll-bench.js';
import { stream } from '../long-poll-script.js';
import { turn } from './async.js';
import { once, pick, type Random } from './random.js';

const statuses = new Set(['200', '400', '408', '409', '410', '413', '503']);
const frames = 12;

/** The client end, which says the same stream however often and from wherever it says it. */
interface Client {
  readonly nonce: number;
  readonly session: Session;
  readonly up: Uint8Array;
  readonly down: Uint8Array[];
  /** By the listener's end. */
  isClosed: boolean;
}

/** Null, or what is wrong with what the listener has told the link. */
const toldWrongly = ({ nonce, session }: Client): string | null => {
  const { events } = session.server;
  const expected = Array.from({ length: frames }, (_, k) => `${nonce} ${k}`);
  const said = events.filter((event) => /^\d/.test(event));
  const ends = events.length - said.length;
  const isInOrder = said.every((event, k) => event === expected[k]) && said.length <= frames;
  if (!isInOrder) return `link ${nonce} was told ${said.join(', ')}`;
  const isLast = ends === 0 || (ends === 1 && !/^\d/.test(events.at(-1) ?? ''));
  return isLast ? null : `link ${nonce} was told ${events.join(', ')}`;
};

export interface LongPollOrders {
  /** Does to a link of the listener what no client asks for. */
  readonly disturb?: (session: Session, random: Random) => void;
  readonly told?: (status: string) => unknown;
}

/** A listener with some clients, and what they ask for a minute or two. Null where the law holds. */
export const longPollOrders = async (
  random: Random,
  options: LongPollOrders = {},
): Promise<string | null> => {
  const { disturb = () => undefined, told } = options;
  const bench = new Bench({ maxSessions: 20 });
  const client = async (nonce: number): Promise<Client> => ({
    nonce,
    session: await bench.open(nonce),
    up: stream(Array.from({ length: frames }, (_, k) => Uint8Array.of(nonce, k))),
    down: [],
    isClosed: false,
  });
  const honest = await client(1);
  const clients = [await client(2), await client(3)];
  let fault: string | null = null;
  const answered = (status: string): void => {
    told?.(status);
    if (!statuses.has(status)) fault ??= `status ${status}`;
  };
  const poll = async (asking: Client): Promise<void> => {
    const { session, down, nonce } = asking;
    const sent = stream(down).length;
    const acknowledged = pick(random, [0, 0, 0, random.int(sent + 1), sent, sent + 1, 2 ** 53]);
    const request = session.pollRequest({ acknowledged, maxBytes: pick(random, [0, 1, 7, 2 ** 31]) });
    try {
      const response = await bench.handle(request);
      answered(String(response.status));
      if (response.status !== 200) return;
      const { header, bytes } = await parsed(response, 'poll');
      // A close may come behind the frames.
      const expected = stream(down).subarray(header.offset, header.offset + bytes.length);
      const isEnd = asking.isClosed || session.server.reasons.length > 0;
      const isSent =
        expected.every((byte, k) => byte === bytes[k]) && (isEnd || expected.length === bytes.length);
      if (!isSent) fault ??= `poll of ${nonce} brought ${bytes.join(' ')} from ${header.offset}`;
    } catch (error) {
      fault ??= `poll of ${nonce} failed: ${error instanceof Error ? error.stack : String(error)}`;
    }
  };
  const send = async ({ session, up }: Client): Promise<void> => {
    const offset = pick(random, [0, 0, random.int(up.length), random.int(12), up.length + 1]);
    const acknowledged = pick(random, [0, 0, 0, 0, 0, 1, 2 ** 53]);
    const bytes = up.subarray(offset, offset + random.int(12));
    const answer = await session.send(bytes, offset, acknowledged);
    answered(answer.startsWith('taken') ? '200' : answer);
  };
  const polls: Promise<void>[] = [];
  let isHeld = false;
  /** A client that never asks what there is for it is soon forgotten. */
  const keepAsking = async (): Promise<void> => {
    if (isHeld) return;
    isHeld = true;
    const response = await bench.handle(honest.session.pollRequest());
    if (response.status !== 200) fault ??= `the honest client is answered ${response.status}`;
    isHeld = false;
  };
  for (let step = 1; step <= 30; step++) {
    const one = pick(random, clients);
    switch (random.int(8)) {
      case 0:
      case 1:
      case 2:
        await send(one);
        break;
      case 3:
      case 4:
        polls.push(poll(one));
        break;
      case 5: {
        if (one.isClosed || one.session.server.reasons.length > 0) break;
        const frame = Uint8Array.of(one.nonce, one.down.length);
        one.down.push(frame);
        one.session.server.link.send(frame);
        break;
      }
      case 6:
        if (once(random, 6)) {
          one.isClosed = true;
          one.session.server.link.close({ code: 'normal', message: 'done' });
        } else await bench.clock.advanceAsync(random.int(pick(random, [100, 9_000])));
        break;
      default:
        // It has been answered, and its answer was lost.
        if (one.session.server.reasons.length === 0) {
          const again = await bench.open(one.nonce).catch(() => null);
          const isSame = again === null || again.id === one.session.id || bench.accepted.length > 3;
          if (!isSame) fault ??= `opening ${one.nonce} again gave another session`;
        }
    }
    disturb(one.session, random);
    polls.push(keepAsking());
    const said = await honest.session.send(honest.up.subarray(0, step));
    if (said !== `taken ${Math.min(step, honest.up.length)}`)
      fault ??= `the honest client is answered ${said}`;
    for (const each of [honest, ...clients]) fault ??= toldWrongly(each);
    if (fault !== null) return fault;
  }
  await honest.session.send(honest.up);
  await turn();
  const heard = honest.session.server.events.filter((event) => /^\d/.test(event)).length;
  await bench.clock.advanceAsync(200_000);
  await Promise.all(polls);
  return fault ?? (heard === frames ? null : `the honest client was heard ${heard} times of ${frames}`);
};
