/**
 * One device of a simulated world: a disk, a clock, and a program that runs the production client and dies,
 * starts again, writes, waits and gives up its file where the server asks for a client reset.
 */

import type { Instruction } from '../../core/model/instruction.js';
import { stringKey } from '../../core/model/key.js';
import type { ResetMode } from '../../core/reset/mode.js';
import type { WriteReport } from '../../core/reset/report.js';
import type { Client, FileOptions, Receipt, SynclineError } from '../../transports/client.js';
import { forEachOf } from '../kit/async.js';
import { once, pick, seeded } from '../kit/random.js';
import type { DeviceDisk } from './disk.js';
import { addToItem, enter, type Home, type Mark, notSaved } from './ledger.js';
import type { Observation } from './observation.js';
import type { OpenFile } from './program.js';
import type { Life, LocalClock, VirtualTime } from './time.js';
import type { App } from './workload.js';

export interface DeviceSetup {
  readonly name: string;
  readonly partition: string;
  /** How a file of it is opened. */
  readonly place: Pick<FileOptions, 'partition' | 'partitionValue' | 'partitionKey'>;
  readonly home: Home;
  /** The classes of the books. */
  readonly ledger: readonly unknown[];
  /** Whether there are objects of the back end. */
  readonly hasItems: boolean;
  /** Whether its writes may be refused: then it makes none that stand on another one of its own. */
  readonly waitsForTotal: boolean;
  readonly app: App;
  readonly disk: DeviceDisk;
  readonly clock: LocalClock;
  readonly time: VirtualTime;
  /** Whose link it uses, and as what user: its own, or that of the first one in its program. */
  readonly link: string;
  readonly open: OpenFile;
  readonly options: Pick<FileOptions, 'explain' | 'recorder'>;
  readonly reset: ResetMode;
  readonly observe: (observation: Observation) => void;
  /** Marks that the servers' disk holds now. */
  readonly durableMarks: () => ReadonlySet<string>;
}

export const slots: readonly string[] = ['x', 'y', 'z'];

export class Device {
  readonly name: string;
  readonly link: string;
  readonly partition: string;
  readonly disk: DeviceDisk;
  readonly clock: LocalClock;
  readonly #setup: DeviceSetup;
  readonly #marks: Mark[] = [];
  /** Made since the program was started. */
  #recent = new Set<Mark>();
  client: Client | null = null;
  #life: Life = { isAlive: false };
  /** Waits that have not been answered. */
  waiting = 0;
  /** Whether the app wants the program to run. */
  isWanted = true;

  constructor(setup: DeviceSetup) {
    this.name = setup.name;
    this.link = setup.link;
    this.partition = setup.partition;
    this.disk = setup.disk;
    this.clock = setup.clock;
    this.#setup = setup;
  }

  get home(): Home {
    return this.#setup.home;
  }

  get marks(): readonly Mark[] {
    return this.#marks;
  }

  /** Starts the program unless it runs. */
  start(): void {
    if (this.#life.isAlive) return;
    this.isWanted = true;
    const life: Life = { isAlive: true };
    this.#life = life;
    const { app, ledger, open, options, place, reset } = this.#setup;
    const file: FileOptions = {
      ...options,
      schema: [...ledger, ...app.schema],
      store: this.disk.open(),
      ...place,
      reset: {
        mode: reset,
        onBefore: () => this.#switches(life),
        onAfter: (_before, _after, { writes }) => this.#accountFor(writes),
      },
    };
    open(file, life).then(
      (client) => this.#opened(client, life),
      (error: unknown) => this.#failedToOpen(error, life),
    );
  }

  #opened(client: Client, life: Life): void {
    if (!life.isAlive) return;
    this.client = client;
    this.#recent = new Set();
    this.waiting = 0;
    const { name } = this;
    const { observe } = this.#setup;
    observe({ type: 'opened', device: name, client });
    client.observe('Mark', (changes) => {
      if (life.isAlive) observe({ type: 'changed', device: name, className: 'Mark', changes });
    });
    void forEachOf(client.session.decisions(), (decisions) => {
      if (life.isAlive) observe({ type: 'decided', where: name, decisions });
    });
    void forEachOf(client.session.errors(), (failure) => {
      if (life.isAlive) this.#sessionFailed(failure, life);
    });
  }

  /** A client reset is about to take a fresh file in the place of the old one. */
  #switches(life: Life): void {
    const { client } = this;
    if (!life.isAlive || client === null) return;
    const isDiscarding = client.session.describe().reset?.performs === 'discard';
    if (isDiscarding)
      for (const mark of this.#marks)
        if (!mark.isAcknowledged && (mark.excuse === null || mark.excuse === notSaved))
          mark.excuse = 'its device discarded it';
    this.#setup.observe({ type: 'switching', device: this.name, isDiscarding });
  }

  /** What a reset has parked is in its report, and on the device: it need not be in the data. */
  #accountFor(writes: readonly WriteReport[]): void {
    const isParked = ({ instructions }: WriteReport): boolean =>
      instructions.some(({ outcome }) => outcome.type === 'parked');
    const parked = marksIn(writes.filter(isParked));
    for (const mark of this.#marks)
      if (parked.has(stringKey(mark.id))) mark.excuse ??= 'its device parked it';
  }

  /** The disk may be full; nothing else may keep a client from being opened. */
  #failedToOpen(error: unknown, life: Life): void {
    if (!life.isAlive) return;
    this.disk.crash();
    this.#end(life, true);
    if (!this.disk.health.isFull)
      this.#setup.observe({ type: 'fault', where: this.name, message: `does not open: ${String(error)}` });
  }

  #sessionFailed(failure: SynclineError, life: Life): void {
    const { area, details } = failure;
    if (area === 'store' && this.disk.health.isFull) return;
    if (typeof details !== 'object' || details === null || !('code' in details) || !('action' in details))
      return void this.#setup.observe({ type: 'fault', where: this.name, message: failure.message });
    const { code, action } = details;
    const message = failure.message;
    this.#setup.observe({ type: 'sessionFailed', device: this.name, code: Number(code), message });
    if (action === 'ClientReset') this.#later(1_000, life, () => this.reset(message));
    if ('tryAgain' in details && details.tryAgain === false && action !== 'ClientReset')
      this.#later(2_000, life, (client) => client.session.resume());
  }

  #later(milliseconds: number, life: Life, action: (client: Client) => void): void {
    this.#setup.time.schedule(milliseconds, () => {
      if (life.isAlive && this.client !== null) action(this.client);
    });
  }

  #end(life: Life, hasCrashed: boolean): void {
    life.isAlive = false;
    this.client = null;
    this.#setup.observe({ type: 'stopped', device: this.name, hasCrashed });
  }

  /** The program dies. */
  crash(): boolean {
    if (!this.#life.isAlive) return false;
    const { survivors, pending } = this.disk.crash();
    const what = pending === 0 ? 'crashes' : `crashes; ${survivors} of ${pending} commits are on its disk`;
    this.#setup.observe({ type: 'told', who: this.name, what });
    this.#end(this.#life, true);
    return true;
  }

  /** Closes the client; `then` is called once the program has ended. */
  stop(then: () => void = () => undefined): boolean {
    const { client } = this;
    const life = this.#life;
    if (client === null || !life.isAlive) return false;
    this.client = null;
    const done = (): void => {
      if (!life.isAlive) return;
      this.#end(life, false);
      then();
    };
    client.close().then(done, (error: unknown) => {
      this.#setup.observe({ type: 'fault', where: this.name, message: `does not close: ${String(error)}` });
    });
    return true;
  }

  /** The app gives up its file and begins a new one. */
  reset(reason: string): void {
    this.stop(() => {
      for (const mark of this.#marks) mark.excuse ??= 'its device was reset';
      this.#setup.observe({ type: 'reset', device: this.name, reason });
      this.disk.wipe();
      this.start();
    });
  }

  /** What a supervisor does: a program that should run runs, and one that cannot save starts anew. */
  tend(): void {
    if (!this.isWanted) return;
    if (!this.#life.isAlive) this.start();
    else if (this.client !== null && this.hasFailedToSave && !this.disk.health.isFull)
      this.stop(() => this.start());
  }

  get hasFailedToSave(): boolean {
    return (
      this.client?.session.describe().failure?.startsWith('what was written could not be saved') === true
    );
  }

  /** One transaction, given by its seed. */
  write(seed: number): void {
    const { client } = this;
    if (client === null || this.hasFailedToSave) return;
    const { app, hasItems, home, observe, partition, time, waitsForTotal } = this.#setup;
    if (waitsForTotal && client.object('Total', home.total) === null) return;
    const random = seeded(seed);
    const id = `${this.name}${this.#marks.length}`;
    const slot = random.int(3) === 0 ? pick(random, slots) : null;
    const life = this.#life;
    let item: Mark['item'] = null;
    const receipt = client.write((tx) => {
      app.workload(tx, random, this.name);
      if (hasItems && once(random, 2)) item = addToItem(tx, random, id);
      return enter(tx, home, id, this.name, slot);
    });
    const mark: Mark = {
      id,
      device: this.name,
      partition,
      slot,
      before: receipt.result,
      at: time.now(),
      item,
      isSaved: false,
      isAcknowledged: false,
      excuse: notSaved,
    };
    this.#marks.push(mark);
    this.#recent.add(mark);
    observe({ type: 'written', mark });
    if (random.int(3) === 0) this.#follow(receipt, mark, life);
    receipt.saved.then(
      () => {
        if (!life.isAlive || mark.isSaved) return;
        mark.isSaved = true;
        if (mark.excuse === notSaved) mark.excuse = null;
        observe({ type: 'saved', mark });
      },
      () => undefined,
    );
  }

  /** Asks for this very write: the answer may come in a later life of the session, but not of the program. */
  #follow(receipt: Receipt<unknown>, mark: Mark, life: Life): void {
    receipt.integrated().then(
      () => {
        if (!life.isAlive) return;
        mark.isAcknowledged = true;
        this.#setup.observe({ type: 'uploaded', device: this.name, marks: [mark] });
      },
      () => undefined,
    );
  }

  /** Waits for what is there to be uploaded: not for what a client reset has dropped before. */
  waitForUpload(): void {
    const parked = marksIn(this.client?.parking.writes ?? []);
    const isDue = (mark: Mark): boolean =>
      (mark.excuse === null || (mark.excuse === notSaved && this.#recent.has(mark))) &&
      !parked.has(stringKey(mark.id));
    const marks = this.#marks.filter((mark) => !mark.isAcknowledged && isDue(mark));
    this.#wait(
      (client) => client.session.waitForUpload(),
      () => {
        for (const mark of marks) mark.isAcknowledged = true;
        this.#setup.observe({ type: 'uploaded', device: this.name, marks });
      },
    );
  }

  waitForDownload(): void {
    const marks = [...this.#setup.durableMarks()];
    this.#wait(
      (client) => client.session.waitForDownload(),
      (client) => this.#setup.observe({ type: 'downloaded', device: this.name, client, marks }),
    );
  }

  #wait(wait: (client: Client) => Promise<void>, then: (client: Client) => void): void {
    const { client } = this;
    const life = this.#life;
    if (client === null) return;
    this.waiting++;
    const over = (): boolean => {
      if (!life.isAlive || this.client !== client) return false;
      this.waiting--;
      return true;
    };
    wait(client).then(
      () => {
        if (over()) then(client);
      },
      () => void over(),
    );
  }

  pause(direction?: 'upload' | 'download'): void {
    this.client?.session.pause(direction);
  }

  resume(): void {
    this.client?.session.resume();
  }
}

/** Keys of the marks that are made there. */
const marksIn = (
  writes: readonly { readonly instructions: readonly { readonly instruction: Instruction }[] }[],
): ReadonlySet<string> => {
  const keys = new Set<string>();
  for (const { instructions } of writes)
    for (const { instruction } of instructions)
      if (instruction.kind === 'CreateObject' && instruction.table === 'Mark') keys.add(instruction.object);
  return keys;
};
