/** What a link owes to senders that want to wait: for room, and for a better time. */
import type { RegisterTest } from './link.js';
import { digest, holds, pattern, pause, same } from './test.js';

const megabyte = 1_000_000;

export const flowTests = (test: RegisterTest): void => {
  test('what a held end does not read waits at the sender, and arrives when it is let go', async ({
    pair,
  }) => {
    for (const holding of [0, 1] as const) {
      const ends = await pair();
      const [receiver, sender] = holding === 0 ? ends : [ends[1], ends[0]];
      if (receiver.link?.hold === undefined) continue;
      receiver.link.hold(true);
      const total = 40;
      for (let i = 0; i < total; i++) sender.send(pattern(megabyte, i));
      await pause(50);
      const waiting = sender.link?.bufferedBytes ?? 0;
      holds(`${waiting} bytes wait at the sender, expected most of ${total} MB`, waiting > 10 * megabyte);
      const early = receiver.frames.length;
      holds(`${early} frames were reported while the end was held, expected few`, early < total / 2);
      receiver.link.hold(false);
      await receiver.received(total);
      same(
        'frames',
        receiver.frames.map(digest),
        Array.from({ length: total }, (_, i) => digest(pattern(megabyte, i))),
      );
      for (let i = 0; i < 100 && sender.link?.bufferedBytes !== 0; i++) await pause(10);
      same('what waits at last', sender.link?.bufferedBytes, 0);
    }
  });

  test('a held end hears of the close, and holding an end that has ended does nothing', async ({ pair }) => {
    const [client, server] = await pair();
    server.link?.hold?.(true);
    server.close('normal');
    same('at the connector', (await client.ended()).code, 'normal');
    await server.ended();
    for (const end of [client, server]) {
      end.link?.hold?.(true);
      end.link?.hold?.(false);
    }
  });

  test('the time after which to come again arrives with the close', async ({ pair }) => {
    for (const closing of [0, 1] as const) {
      const ends = await pair();
      const [here, there] = closing === 0 ? ends : [ends[1], ends[0]];
      const reason = { code: 'goingAway', message: 'come again', retryAfter: 7_000 } as const;
      here.link?.close(reason);
      same('here', await here.ended(), reason);
      same('there', await there.ended(), reason);
    }
  });
};
