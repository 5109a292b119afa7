import * as assert from 'uvu/assert';
import { get, set } from '../core/base/trie.js';
import { clientStep } from '../core/session/client.js';
import { defaultTiming, retryDelay } from '../core/session/client-session.js';
import {
  clientEvents,
  clientPhases,
  clientTable,
  serverEvents,
  serverPhases,
  serverTable,
  toDot,
} from '../core/session/phases.js';
import { serverStep } from '../core/session/server.js';
import { type ServerSession, sessionAt } from '../core/session/server-session.js';
import { clientSamples, holdsOf, machineIn, now, serverSamples, sessionIn } from './kit/phase-samples.js';
import { suite } from './kit/suite.js';

const phases = suite('phases');

phases('of the client: every event in every phase has the outcome that the table names', () => {
  const sessions = clientPhases.flatMap((phase) => holdsOf(phase).map((held) => sessionIn(phase, held)));
  for (const session of sessions) {
    const { phase } = session;
    for (const type of clientEvents) {
      const answer = clientTable[phase][type];
      for (const event of clientSamples[type]) {
        const next = clientStep(session, event);
        const where = `${type} while ${phase}, holding ${JSON.stringify(session.held)}`;
        assert.ok(
          holdsOf(next.session.phase).some(
            ({ upload, download }) =>
              upload === next.session.held.upload && download === next.session.held.download,
          ),
          `${where} led to ${next.session.phase} holding ${JSON.stringify(next.session.held)}`,
        );
        if (answer === 'ignored') {
          assert.is(next.session, session, where);
          assert.equal(next.effects, [], where);
        } else if (answer === 'violation') {
          assert.is(next.session.phase, 'failed', where);
          assert.ok(
            next.effects.some((effect) => effect.type === 'disconnect' && effect.cause === 'violation'),
            where,
          );
        } else {
          assert.ok(
            [...answer, 'failed'].includes(next.session.phase),
            `${where} led to ${next.session.phase}`,
          );
        }
        assert.equal(clientStep(session, event), next, `${where} twice`);
      }
    }
  }
});

phases('of the client: a timer that comes early is set again', () => {
  const session = sessionIn('disconnected');
  const early = clientStep(session, { type: 'timer', chance: 0, now: 59_999 });
  assert.is(early.session, session);
  assert.equal(early.effects, [{ type: 'timer', at: 60_000 }]);
  assert.is(clientStep(session, { type: 'timer', chance: 0, now: 60_000 }).session.phase, 'connecting');
});

phases('of the client: pauses between attempts double up to the most, less a quarter at most', () => {
  for (let attempts = 0; attempts < 40; attempts++) {
    const full = Math.min(1000 * 2 ** attempts, 300_000);
    assert.is(retryDelay(defaultTiming, attempts, 0), full);
    const least = retryDelay(defaultTiming, attempts, 0.999);
    assert.ok(least >= full * 0.75 && least < full && Number.isInteger(least));
  }
});

phases('of the client: what a failed session was asked for is answered with the failure', () => {
  const session = {
    ...sessionIn('streaming'),
    waiters: [{ type: 'upload', id: 3, version: 9, isForAll: true }] as const,
  };
  const next = clientStep(session, { type: 'garbage', message: 'noise', now });
  const settled = next.effects.find((effect) => effect.type === 'settled');
  assert.is(settled?.type === 'settled' && settled.failure?.name, 'bad_message_order');
  const late = clientStep(next.session, { type: 'await', what: 'upload', id: 4, now });
  assert.is(late.effects[0]?.type === 'settled' && late.effects[0].failure?.name, 'bad_message_order');
});

phases('of the server: every message in every phase has the outcome that the table names', () => {
  for (const phase of serverPhases) {
    for (const type of serverEvents) {
      if (type === 'read') continue;
      const answer = serverTable[phase][type];
      for (const message of serverSamples[type]) {
        const machine = machineIn(phase);
        const next = serverStep(machine, { type: 'message', connection: 1, message, chance: 3, now });
        const after = sessionAt(next.machine, '1/1');
        const where = `${type} while ${phase}`;
        if (answer === 'violation') {
          assert.is(after, undefined, where);
          assert.ok(
            next.effects.some((effect) => effect.type === 'send' && effect.message.type === 'error'),
            where,
          );
        } else if (after !== undefined) {
          assert.ok(answer !== 'ignored' && answer.includes(after.phase), `${where} led to ${after.phase}`);
        }
      }
    }
    const unasked = serverStep(machineIn(phase), { type: 'read', id: 99, entries: [], now });
    assert.is(sessionAt(unasked.machine, '1/1')?.phase, phase);
    const gone = serverStep(machineIn(phase), { type: 'gone', connection: 1, now });
    assert.is(sessionAt(gone.machine, '1/1'), undefined);
  }
});

phases('of the server: what a read brings has the outcome that the table names', () => {
  const ends: Readonly<Record<ServerSession['phase'], readonly (string | undefined)[]>> = {
    bound: ['bound', 'bound'],
    opening: ['active', undefined],
    active: ['active', undefined],
  };
  for (const phase of serverPhases) {
    const found = (['open', 'download'] as const).map((purpose) => {
      const machine = machineIn(phase);
      const range = { space: 'log', from: 1, to: 2 };
      const reads = set(machine.reads, '7', { session: '1/1', purpose, range, before: [] });
      const answered = serverStep({ ...machine, reads }, { type: 'read', id: 7, entries: [], now }).machine;
      assert.is(get(answered.reads, '7'), undefined, 'it is answered once');
      return sessionAt(answered, '1/1')?.phase;
    });
    // A store that has nothing where the history goes on ends the session, whatever its phase.
    assert.equal(found, ends[phase], phase);
  }
});

phases('print as a diagram', () => {
  const dot = toDot('client', clientTable);
  assert.match(dot, /^digraph client \{\n/);
  assert.match(dot, 'catchingUp -> streaming [label="mark"];');
});

phases.run();
