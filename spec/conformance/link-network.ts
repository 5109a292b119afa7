/** What a link owes where the network fails: an end on both sides, whether or not anybody says so. */
import type { RegisterTest } from './link.js';
import { same } from './test.js';

export const networkTests = (test: RegisterTest): void => {
  test('a failing network is reported as lost on both ends', async ({ setup, pair }) => {
    if (setup.cut === undefined) return;
    const pairs = [await pair(), await pair()];
    for (const [client] of pairs) client.send(Uint8Array.of(1));
    for (const [, server] of pairs) await server.received(1);
    setup.cut();
    for (const [client, server] of pairs) {
      same('code at the connector', (await client.ended()).code, 'lost');
      same('code at the listener', (await server.ended()).code, 'lost');
    }
    const [client, server] = await pair();
    client.send(Uint8Array.of(2));
    await server.received(1);
  });

  test('a half-open connection is found out by both ends, and reported as lost', async ({ setup, pair }) => {
    if (setup.mute === undefined) return;
    const [client, server] = await pair();
    client.send(Uint8Array.of(1));
    await server.received(1);
    setup.mute();
    client.send(Uint8Array.of(2));
    server.send(Uint8Array.of(3));
    same('code at the connector', (await client.ended()).code, 'lost');
    same('code at the listener', (await server.ended()).code, 'lost');
    same('frames', [client.frames.length, server.frames.length], [0, 1]);
  });
};
