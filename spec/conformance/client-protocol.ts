/**
 * What every client owes to a server of its protocol: each clause as a scenario that plays the server, message by
 * message, against a client behind a connector.
 */
import type { Changeset } from '../../core/model/changeset.js';
import { addColumn } from '../../core/model/instruction.js';
import type { UploadCursor } from '../../core/model/progress.js';
import type { ClientMessage, Download } from '../../core/protocol/messages.js';
import type { Connector } from '../../transports/ports.js';
import { eventually } from '../kit/async.js';
import { type ScriptedLink, ScriptedServer } from '../kit/scripted-server.js';
import { adding } from './protocol-caller.js';
import { type ConformanceTest, holds, pause, same } from './test.js';

/** A client that has opened its file. */
export interface ProtocolSubject {
  /** Makes one write, whatever it says. */
  write(): void;
  /** Ends the program; its file may be opened again. */
  close(): Promise<void>;
}

/** One file, empty the first time. */
export interface ClientProtocolSetup {
  /** Opens the file, which is to sync at once over links of the connector, and try again soon where one ends. */
  open(connector: Connector): Promise<ProtocolSubject>;
  dispose(): Promise<void>;
}

type Named<Type extends ClientMessage['type']> = Extract<ClientMessage, { readonly type: Type }>;

/** A server that takes what it is sent, and sends what the scenario says. */
class Stage {
  readonly #server: ScriptedServer;
  readonly #patience: number;
  /** The newest version. */
  #version = 0;
  /** How far the client's writes were acknowledged. */
  #acknowledged: UploadCursor = { clientVersion: 0, lastIntegratedServerVersion: 0 };
  /** Whether uploads are acknowledged. */
  acknowledges = true;
  /** Whether marks are answered: they are not before everything that was there has come down. */
  answersMarks = true;

  constructor(patience: number) {
    this.#patience = patience;
    this.#server = new ScriptedServer({ heard: (message, link) => this.#heard(message, link) });
  }

  get connector(): Connector {
    return this.#server;
  }

  get links(): readonly ScriptedLink[] {
    return this.#server.links;
  }

  get link(): ScriptedLink {
    const link = this.#server.links.at(-1);
    if (link === undefined) throw new Error('the client has asked for no link');
    return link;
  }

  #heard(message: ClientMessage, link: ScriptedLink): void {
    const { session } = message;
    if (message.type === 'bind' && message.needIdent) link.say({ type: 'ident', session, ident: 2, salt: 5 });
    if (message.type === 'mark' && this.answersMarks)
      link.say({ type: 'mark', session, request: message.request });
    if (message.type === 'unbind') link.say({ type: 'unbound', session });
    if (message.type === 'upload' && message.changesets.length > 0 && this.acknowledges) {
      this.#version += message.changesets.length;
      this.#acknowledged = message.progress;
      link.say(this.download(session, this.#version, []));
    }
  }

  /** A download up to `serverVersion`, with the acknowledgement of all that was uploaded. */
  download(session: number, serverVersion: number, changesets: readonly Changeset[]): Download {
    const { clientVersion } = this.#acknowledged;
    return {
      type: 'download',
      session,
      download: { serverVersion, lastIntegratedClientVersion: serverVersion === 0 ? 0 : clientVersion },
      upload: this.#acknowledged,
      latest: { version: serverVersion, salt: saltAt(serverVersion) },
      downloadableBytes: 0,
      changesets,
    };
  }

  /** The next version, which somebody else has written on top of all that the client has uploaded. */
  next(changeset: Changeset): Changeset {
    this.#version++;
    return { ...changeset, version: this.#version, base: this.#acknowledged.clientVersion, origin: 9 };
  }

  /** Sends one changeset that adds a class. Answers its version. */
  send(className: string): number {
    const changeset = this.next(adding(0, className));
    this.link.say(this.download(this.session, changeset.version, [changeset]));
    return changeset.version;
  }

  /** Number of the session that was bound last on the newest link. */
  get session(): number {
    return this.all('bind').at(-1)?.session ?? 0;
  }

  /** What the newest link, or another one, has heard of a type. */
  all<Type extends ClientMessage['type']>(type: Type, link = this.link): readonly Named<Type>[] {
    const isNamed = (message: ClientMessage): message is Named<Type> => message.type === type;
    return link.heard.filter(isNamed);
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await eventually(what, condition, this.#patience);
  }

  /** The first message of the type on link number `link`, from 1, now or when it comes. */
  async hears<Type extends ClientMessage['type']>(type: Type, link = 1): Promise<Named<Type>> {
    const found = (): readonly Named<Type>[] => {
      const at = this.links[link - 1];
      return at === undefined ? [] : this.all(type, at);
    };
    await this.until(`${type} on link ${link}`, () => found().length > 0);
    const [message] = found();
    if (message === undefined) throw new Error(`no ${type} on link ${link}`);
    return message;
  }

  lose(): void {
    this.link.end({ code: 'lost', message: 'the scenario cuts the link' });
  }
}

const saltAt = (version: number): number => (version === 0 ? 0 : 40 + version);

/** Milliseconds in which a client does what it does by itself. */
const settling = 100;

const uploads = (stage: Stage, link: ScriptedLink): readonly Changeset[] =>
  stage.all('upload', link).flatMap(({ changesets }) => changesets);

/** `patience`: milliseconds to wait for what is owed. */
export const clientProtocolConformance = (
  make: () => Promise<ClientProtocolSetup>,
  patience = 10_000,
): readonly ConformanceTest[] => {
  const tests: ConformanceTest[] = [];
  const test = (
    name: string,
    body: (stage: Stage, open: () => Promise<ProtocolSubject>) => Promise<void>,
  ): void => {
    tests.push({
      name,
      run: async () => {
        const setup = await make();
        const stage = new Stage(patience);
        const subjects: ProtocolSubject[] = [];
        try {
          await body(stage, async () => {
            const subject = await setup.open(stage.connector);
            subjects.push(subject);
            return subject;
          });
        } finally {
          for (const subject of subjects) await subject.close();
          await setup.dispose();
        }
      },
    });
  };

  test('a fresh file asks for an ident, and identifies itself by it before anything else', async (stage, open) => {
    const subject = await open();
    subject.write();
    await stage.hears('upload');
    const [first, second] = stage.link.heard;
    holds('the first message binds and asks for an ident', first?.type === 'bind' && first.needIdent);
    holds('session numbers begin at 1', (first?.session ?? 0) >= 1);
    holds(
      'the second identifies',
      second?.type === 'identify' &&
        second.ident === 2 &&
        second.salt === 5 &&
        second.session === first?.session,
    );
  });

  test('a file that has an ident keeps it', async (stage, open) => {
    const first = await open();
    await stage.hears('identify');
    await first.close();
    await open();
    const { ident, salt } = await stage.hears('identify', 2);
    same('ident and salt', [ident, salt], [2, 5]);
    same(
      'asked again',
      stage.all('bind').map(({ needIdent }) => needIdent),
      [false],
    );
  });

  test('writes go up in order, each once, under versions that ascend', async (stage, open) => {
    const subject = await open();
    for (let i = 0; i < 5; i++) subject.write();
    await stage.until('all are uploaded', () => uploads(stage, stage.link).length >= 5);
    for (let i = 0; i < 5; i++) subject.write();
    await stage.until('all are uploaded', () => uploads(stage, stage.link).length >= 10);
    const versions = uploads(stage, stage.link).map(({ version }) => version);
    holds(
      `versions ascend: ${versions}`,
      versions.every((version, i) => version > (versions[i - 1] ?? 0)),
    );
    same('origins', [...new Set(uploads(stage, stage.link).map(({ origin }) => origin))], [0]);
    for (const { changesets, progress } of stage.all('upload'))
      for (const { version, base } of changesets)
        holds(
          'cursors reach as far as what comes with them',
          progress.clientVersion >= version && progress.lastIntegratedServerVersion >= base,
        );
  });

  test('what was not acknowledged is sent again over the next link, as it was', async (stage, open) => {
    stage.acknowledges = false;
    const subject = await open();
    subject.write();
    subject.write();
    await stage.hears('upload');
    await pause(settling);
    const before = uploads(stage, stage.link);
    stage.lose();
    await stage.hears('upload', 2);
    await stage.until('all is sent again', () => uploads(stage, stage.link).length >= before.length);
    const fates = (changesets: readonly Changeset[]) =>
      changesets.map(({ version, timestamp, instructions }) => [version, timestamp, instructions.length]);
    same('what is sent again', fates(uploads(stage, stage.link)), fates(before));
  });

  test('what was not acknowledged survives the program', async (stage, open) => {
    stage.acknowledges = false;
    const subject = await open();
    subject.write();
    await stage.hears('upload');
    await pause(settling);
    const versions = () => uploads(stage, stage.link).map(({ version }) => version);
    const before = versions();
    await subject.close();
    await open();
    await stage.hears('upload', 2);
    await pause(settling);
    same('versions', versions(), before);
  });

  test('what was acknowledged is not sent again', async (stage, open) => {
    const subject = await open();
    subject.write();
    await stage.hears('upload');
    await pause(settling);
    stage.lose();
    await stage.hears('identify', 2);
    subject.write();
    await stage.hears('upload', 2);
    const [before, after] = stage.links.map((link) => uploads(stage, link).map(({ version }) => version));
    holds(`${after} are above ${before}`, Math.min(...(after ?? [])) > Math.max(...(before ?? [])));
  });

  test('the position that was reached is kept: nothing is asked for twice', async (stage, open) => {
    const subject = await open();
    await stage.hears('identify');
    await pause(settling);
    const version = stage.send('Foreign');
    await pause(settling);
    await subject.close();
    await open();
    const { download, latest } = await stage.hears('identify', 2);
    same('position', download.serverVersion, version);
    same('latest', latest, { version, salt: saltAt(version) });
  });

  test('a write says which version of the server it was made on', async (stage, open) => {
    const subject = await open();
    await stage.hears('identify');
    await pause(settling);
    const version = stage.send('Foreign');
    await pause(settling);
    const before = uploads(stage, stage.link).length;
    subject.write();
    await stage.until('it is uploaded', () => uploads(stage, stage.link).length > before);
    same('base', uploads(stage, stage.link).at(-1)?.base, version);
  });

  test('what is a part of a batch is kept, and not acknowledged before the last part', async (stage, open) => {
    const subject = await open();
    const { session } = await stage.hears('identify');
    await pause(settling);
    const first = stage.next(adding(0, 'First'));
    const download = stage.download(session, first.version, [first]);
    const latest = { version: first.version + 1, salt: saltAt(first.version + 1) };
    const cut = latest.version;
    stage.link.say({ ...download, latest, batch: { cut, isLast: false } });
    await pause(settling);
    stage.acknowledges = false;
    stage.answersMarks = false;
    const before = uploads(stage, stage.link).length;
    subject.write();
    await stage.until('it is uploaded', () => uploads(stage, stage.link).length > before);
    same('base of a write amid it', uploads(stage, stage.link).at(-1)?.base, first.version - 1);
    await subject.close();
    await open();
    const identify = await stage.hears('identify', 2);
    same('position', identify.download.serverVersion >= first.version, true);
    const second = stage.next(adding(0, 'Second'));
    const end = stage.download(identify.session, second.version, [second]);
    stage.link.say({ ...end, batch: { cut, isLast: true } });
    await pause(settling);
    stage.lose();
    same('position', (await stage.hears('identify', 3)).download.serverVersion, second.version);
  });

  test('a session that ends for a passing reason is bound again, under another number', async (stage, open) => {
    await open();
    const { session } = await stage.hears('identify');
    stage.link.say({
      type: 'error',
      session,
      code: 201,
      message: 'not now',
      tryAgain: true,
      action: 'Transient',
    });
    const numbers = (): readonly number[] =>
      stage.links.flatMap((link) => stage.all('bind', link)).map((bind) => bind.session);
    await stage.until('it binds again', () => numbers().length === 2);
    const onFirst = stage.all('bind', stage.links[0]).map((bind) => bind.session);
    same('numbers on one link', new Set(onFirst).size, onFirst.length);
  });

  test('a session that ends for good is not bound again', async (stage, open) => {
    await open();
    const { session } = await stage.hears('identify');
    stage.link.say({
      type: 'error',
      session,
      code: 206,
      message: 'not you',
      tryAgain: false,
      action: 'ApplicationBug',
    });
    await pause(5 * settling);
    same('binds', stage.links.flatMap((link) => stage.all('bind', link)).length, 1);
  });

  test('a frame that is no message ends the link', async (stage, open) => {
    await open();
    await stage.hears('identify');
    const { link } = stage;
    link.noise();
    await stage.until('the link is closed', () => link.closed !== null);
    same('why', link.closed?.code, 'protocolError');
  });

  test('a download that does not fit is reported, and the position stays', async (stage, open) => {
    const subject = await open();
    const { session } = await stage.hears('identify');
    await pause(settling);
    const before = stage.send('Foreign');
    const column = { type: 'int', nullable: false, collection: 'single', target: null } as const;
    const misfit = { ...adding(0, 'X'), instructions: [addColumn('Nowhere', 'field', column)] };
    stage.link.say(stage.download(session, before + 1, [stage.next(misfit)]));
    await stage.hears('clientError');
    await subject.close();
    await open();
    const { download } = await stage.hears('identify', stage.links.length);
    same('position', download.serverVersion, before);
  });

  test('a download whose position goes back is not taken', async (stage, open) => {
    const subject = await open();
    const { session } = await stage.hears('identify');
    await pause(settling);
    const version = stage.send('Foreign');
    await pause(settling);
    stage.link.say(stage.download(session, 0, []));
    await pause(settling);
    await subject.close();
    await open();
    const { download } = await stage.hears('identify', stage.links.length);
    same('position', download.serverVersion, version);
  });

  return tests;
};
