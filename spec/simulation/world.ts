/**
 * A simulated world: devices and servers that run the production drivers, on simulated disks, clocks and a
 * simulated network. What happens in it is decided by generators (`generators.ts`), and judged by checkers
 * (`checkers.ts`), which see observations only.
 */
import { storedName, syncPartition } from '../../core/access/epoch-name.js';
import type { RecordBatch } from '../../core/base/record.js';
import type { FlightRecorder } from '../../core/replay/flight-recorder.js';
import type { ServerOptions } from '../../transports/server.js';
import { MemoryDatabase } from '../../transports/stores/memory.js';
import { once } from '../kit/random.js';
import { Archive } from './archive.js';
import { Authority } from './authority.js';
import { finishing, seeding } from './back-end.js';
import { Device } from './device.js';
import { backup, DeviceDisk, DiskHealth, ServerDisk } from './disk.js';
import { HttpNetwork } from './http.js';
import { freeHome, homeOf, ledgerSchema, type Rigor, restored, syncedLedger } from './ledger.js';
import { Network, type Weather } from './network.js';
import type { Observation } from './observation.js';
import { type Plan, stream } from './plan.js';
import { type OpenFile, ownProgram, type Reach, SharedProgram } from './program.js';
import { SimulatedServer } from './server.js';
import { changedRights } from './sync-generators.js';
import { nameOf, partitionValues, SyncSide } from './sync-side.js';
import { tappedConnector, tappedListener } from './tap.js';
import { LocalClock, VirtualTime } from './time.js';
import type { App } from './workload.js';

/** Milliseconds since 1970 at which worlds begin. */
const beginning = 1_700_000_000_000;

/** Milliseconds from one look of a supervisor to the next. */
const tending = 2_000;

/** Milliseconds between two questions of a device for the newest, where it does not come by itself. */
const asking = 20_000;

/** What a program of that name is recorded by, if it is. */
export type RecorderOf = (name: string) => FlightRecorder | undefined;

interface Program {
  readonly link: string;
  readonly clock: LocalClock;
  readonly open: OpenFile;
  readonly crash: () => void;
}

interface Lasting {
  readonly heal: () => void;
  hasEnded: boolean;
}

export class World {
  readonly plan: Plan;
  readonly time = new VirtualTime(beginning);
  readonly network: Network;
  readonly http: HttpNetwork;
  readonly devices: readonly Device[];
  readonly servers: readonly SimulatedServer[];
  readonly weather = new Map<string, Weather>();
  /** Null where partitions have names only. */
  readonly sync: SyncSide | null;
  /** Names of the partitions that devices open. */
  readonly partitions: readonly string[];
  /** By what the partition is stored under. */
  readonly #archives = new Map<string, Archive>();
  readonly #database = new MemoryDatabase();
  readonly #observers: ((observation: Observation) => void)[] = [];
  readonly #lasting: Lasting[] = [];
  readonly #recorderOf: RecorderOf;
  /** Server by link: where the next one goes. */
  readonly #routes = new Map<string, number>();
  /** By link: what ends the program that uses it. */
  readonly #crashes = new Map<string, () => void>();
  readonly authority: Authority;
  isHealed = false;
  /** How often a backup was restored. */
  restorations = 0;
  /** Whether a device may be asked to reset: the servers have lost what devices had seen, or files expire. */
  mayReset: boolean;
  /** How much of the books must agree, after what has happened. */
  rigor: Rigor = 'exact';
  /** How often each kind of fault struck. */
  readonly struck = new Map<string, number>();

  constructor(plan: Plan, apps: readonly App[], recorderOf: RecorderOf = () => undefined) {
    this.plan = plan;
    this.#recorderOf = recorderOf;
    this.mayReset = plan.maxOffline !== null;
    const { seed } = plan;
    this.authority = new Authority(this.time, plan.tokenLife);
    this.sync = plan.sync === null ? null : new SyncSide(plan, plan.sync, apps);
    const weathers = stream(seed, 'weather');
    const names = Array.from({ length: plan.devices }, (_, i) => deviceName(i));
    for (const name of names)
      this.weather.set(name, {
        delay: weathers.int(40),
        jitter: weathers.int(60),
        drag: 0,
        isCutOff: false,
      });
    this.partitions = Array.from({ length: plan.partitions }, (_, i) =>
      plan.sync === null ? freeName(i) : nameOf(partitionValues[i % partitionValues.length] as string),
    );
    for (const partition of this.partitions) this.#archiveOf(partition);
    this.network = new Network(this.time, stream(seed, 'network'), this.weather);
    this.network.onBreak = (device) => this.strike('frailty', device, 'its link breaks');
    this.http = new HttpNetwork(this.time, stream(seed, 'http'), this.weather);
    const clocks = stream(seed, 'clocks');
    const most = [0, 200, 3_600_000][clocks.int(3)] as number;
    const skew = (): number => clocks.int(2 * most + 1) - most;
    this.servers = Array.from({ length: plan.servers }, (_, i) => this.#server(`S${i + 1}`, skew()));
    const programs = names.map((name) => this.#program(name, skew()));
    this.devices = names.map((name, i) => {
      const program = programs[i - (i % plan.shares)] as Program;
      return this.#device(name, i % plan.partitions, apps[i] as App, program);
    });
    const readers = stream(seed, 'readers');
    if (plan.sync !== null && plan.sync.readers > 0)
      for (const { link, partition } of this.devices)
        if (once(readers, plan.sync.readers)) this.sync?.makeReader(link, partition, beginning);
  }

  observe = (observation: Observation): void => {
    for (const observer of this.#observers) observer(observation);
  };

  onObservation(observer: (observation: Observation) => void): void {
    this.#observers.push(observer);
  }

  tell(who: string, what: string): void {
    this.observe({ type: 'told', who, what });
  }

  /** A fault strikes. */
  strike(fault: string, who: string, what: string): void {
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1);
    this.tell(who, what);
  }

  #server(name: string, skew: number): SimulatedServer {
    const { seed, explain } = this.plan;
    const health = new DiskHealth(stream(seed, `disk ${name}`), stream(seed, `slow ${name}`).int(10));
    const disk = new ServerDisk(this.time, health, this.#database, (partition, batch) => {
      this.observe({ type: 'serverDurable', partition, batch });
      // Seen on the disk, since the server itself may be told that it has failed.
      if (isFold(batch) && this.rigor === 'exact') this.rigor = 'folded';
      this.#archive(partition, batch);
    });
    const { carrier } = this.plan;
    const clock = new LocalClock(this.time, skew);
    return new SimulatedServer({
      name,
      disk,
      clock,
      random: stream(seed, `chance ${name}`),
      listener: (life) =>
        tappedListener(
          carrier === 'link' ? this.network.listener(name, life) : this.http.listener(name, life),
          name,
          this.observe,
        ),
      time: this.time,
      sync: () => (this.sync === null ? {} : { sync: this.sync.options }),
      mayFail: this.sync !== null,
      onTokenOver: () => this.strike('token over', name, 'ends a session whose token is over'),
      onCompacted: ({ cut, head }) => {
        this.strike('compaction', name, `compacts its history up to ${cut} of ${head}`);
      },
      options: {
        explain,
        verifyToken: (token) => this.authority.verify(token, clock.now()),
        ...this.#serverOptions(),
        ...this.#recording(name),
      },
      observe: this.observe,
    });
  }

  /** Takes down what a server has committed. */
  #archive(stored: string, batch: RecordBatch): void {
    if (this.sync?.saw(stored, batch) === true) {
      // What begins anew is folded, and devices have to begin with it.
      if (this.rigor === 'exact') this.rigor = 'folded';
      this.mayReset = true;
    }
    const archive = this.#archiveOf(stored);
    const wrong = archive.take(batch, this.rigor === 'recovered');
    if (wrong !== null) this.observe({ type: 'fault', where: `log of ${stored}`, message: wrong });
    const partition = this.sync === null ? stored : this.sync.partitionOf(stored);
    if (partition !== null && archive.latest.length > 0)
      this.observe({ type: 'arrived', partition, marks: archive.latest });
  }

  #archiveOf(stored: string): Archive {
    const present = this.#archives.get(stored);
    if (present !== undefined) return present;
    const archive = new Archive();
    this.#archives.set(stored, archive);
    return archive;
  }

  #recording(name: string): { readonly recorder?: FlightRecorder } {
    const recorder = this.#recorderOf(name);
    return recorder === undefined ? {} : { recorder };
  }

  #serverOptions(): Partial<ServerOptions> {
    const { compacts, maxOffline, forbidsRecovery } = this.plan;
    return {
      isRecoveryModeDisabled: forbidsRecovery,
      compaction: compacts ? { minBytes: 1, maxBytes: 8 * 1024 * 1024 } : null,
      ...(maxOffline === null ? {} : { clientMaxOfflineDays: maxOffline / 86_400_000 }),
    };
  }

  #program(link: string, skew: number): Program {
    const { seed, carrier, timing, shares } = this.plan;
    const route = (): string => (this.servers[this.#routes.get(link) ?? 0] as SimulatedServer).name;
    const random = stream(seed, `chance ${link}`);
    const clock = new LocalClock(this.time, skew);
    const reach: Reach = (life) => ({
      timing,
      clock: clock.seenBy(life),
      token: { token: () => this.authority.token(link) },
      entropy: { integer: () => 1 + random.int(2 ** 31) },
      connector: tappedConnector(
        carrier === 'link'
          ? this.network.connector(link, life, route)
          : this.http.connector(link, life, route, stream(seed, `tag ${link} ${this.time.steps}`)),
        link,
        this.observe,
      ),
    });
    if (shares === 1) return { link, clock, open: ownProgram(reach), crash: () => undefined };
    const { open, crash } = new SharedProgram(reach);
    return { link, clock, open, crash };
  }

  #device(name: string, index: number, app: App, { link, clock, open, crash }: Program): Device {
    const { seed, explain, reset, sync } = this.plan;
    const value = partitionValues[index % partitionValues.length] as string;
    const partition = this.partitions[index] as string;
    const key = sync?.fillsKey === true ? { partitionKey: 'owner' } : {};
    const health = new DiskHealth(stream(seed, `disk ${name}`), stream(seed, `slow ${name}`).int(10));
    this.#crashes.set(link, crash);
    return new Device({
      name,
      partition,
      place: sync === null ? { partition } : { partitionValue: value, ...key },
      home: sync === null ? freeHome : homeOf(value),
      ledger: sync === null ? ledgerSchema : syncedLedger(sync.isRequired),
      hasItems: sync !== null,
      waitsForTotal: sync !== null && (sync.readers > 0 || this.plan.faults.includes(changedRights)),
      app,
      disk: new DeviceDisk(name, this.time, health, (batch) =>
        this.observe({ type: 'deviceDurable', device: name, batch }),
      ),
      clock,
      time: this.time,
      link,
      open,
      options: { explain, ...this.#recording(name) },
      reset,
      observe: this.observe,
      durableMarks: () => this.archive(partition).marks,
    });
  }

  /** The history of a partition, by the name that devices open it by, as it is at present. */
  archive(partition: string): Archive {
    const epoch = this.sync?.present?.epoch ?? 0;
    return this.#archiveOf(this.sync === null ? partition : storedName(epoch, partition));
  }

  /** Those of all present partitions, by the names that devices open them by. */
  get archives(): ReadonlyMap<string, Archive> {
    const { sync } = this;
    if (sync === null) return this.#archives;
    const present = new Map<string, Archive>();
    for (const [stored, archive] of this.#archives) {
      const partition = sync.partitionOf(stored);
      if (partition !== null) present.set(partition, archive);
    }
    return present;
  }

  device(name: string): Device {
    return this.devices.find((device) => device.name === name) as Device;
  }

  /** The device's links go to server `server` from now on. */
  routeTo(device: Device, server: number): void {
    this.#routes.set(device.link, server);
    this.breakLinksOf(device, 200);
  }

  /** Those that use the same link as `device`, and itself. */
  sharing({ link }: Device): readonly Device[] {
    return this.devices.filter((each) => each.link === link);
  }

  /** As `breakLinks`, for the link of one device. */
  breakLinksOf({ link }: Device, most: number): void {
    this.breakLinks((name) => name === link, most);
  }

  /** Breaks the links that `isMeant` names; their ends learn of it within `most` milliseconds. */
  breakLinks(isMeant: (device: string, server: string) => boolean, most: number): void {
    this.network.break(isMeant, most);
    this.http.break(isMeant);
  }

  /** Its program dies, and with it all that is open in it. */
  crashDevice(device: Device, most: number): void {
    const dead = this.sharing(device).filter((each) => each.crash());
    if (dead.length === 0) return;
    this.#crashes.get(device.link)?.();
    this.breakLinksOf(device, most);
  }

  crashServer(server: SimulatedServer, most: number): void {
    if (server.crash()) this.breakLinks((_, name) => name === server.name, most);
  }

  /** Something that is wrong for so many milliseconds, or until the world is healed. */
  lasting(milliseconds: number, heal: () => void): void {
    const lasting: Lasting = { heal, hasEnded: false };
    this.#lasting.push(lasting);
    this.time.schedule(milliseconds, () => this.#end(lasting));
  }

  #end(lasting: Lasting): void {
    if (lasting.hasEnded) return;
    lasting.hasEnded = true;
    lasting.heal();
  }

  /** A backup of the servers' database, and what restores it: all servers are down then. */
  backup(): () => void {
    const restore = backup(this.#database);
    const archives = [...this.#archives].map(([stored, archive]) => [stored, archive.copy()] as const);
    return () => {
      restore();
      this.restorations++;
      const marksBefore = new Set([...this.#archives.values()].flatMap(({ marks }) => [...marks]));
      this.mayReset = true;
      if (this.plan.reset === 'recover' || this.plan.reset === 'recoverOrDiscard') this.rigor = 'recovered';
      // All of them, as other backups may have been restored since this one was taken.
      this.#archives.clear();
      for (const [stored, archive] of archives) this.#archives.set(stored, archive.copy());
      this.sync?.restored(this.#database.partitions.get(syncPartition)?.records.entries() ?? []);
      for (const { marks, partition } of this.devices) {
        const after = this.archive(partition).marks;
        for (const mark of marks) if (marksBefore.has(mark.id) && !after.has(mark.id)) mark.excuse = restored;
      }
      if (this.sync !== null) seeding(this);
      this.observe({ type: 'restored' });
    };
  }

  /** Everybody starts, each in its time, and is looked after. */
  begin(): void {
    const random = stream(this.plan.seed, 'start');
    for (const server of this.servers) server.start();
    for (const device of this.devices) {
      const tend = (): void => {
        device.tend();
        this.time.schedule(tending, tend);
      };
      this.time.schedule(random.int(3) === 0 ? random.int(5_000) : 0, tend);
      this.#routes.set(device.name, random.int(this.servers.length));
    }
    if (this.sync !== null) seeding(this);
  }

  /**
   * No fault any more: what was down starts, and everybody wants to sync. A server learns of what another one
   * has committed when somebody asks for the newest, so with several servers the apps ask now and then.
   */
  heal(): void {
    this.isHealed = true;
    for (const lasting of this.#lasting) this.#end(lasting);
    this.network.frailty = 0;
    this.http.isBad = false;
    this.tell('world', 'is healed');
    // What ends with the faults may take its servers down for a moment.
    this.time.schedule(10, () => {
      for (const server of this.servers) server.start();
      for (const device of this.devices) {
        device.isWanted = true;
        device.tend();
        device.resume();
      }
    });
    if (this.servers.length > 1) this.#ask();
    this.sync?.giveBack(this.time.now());
    this.reevaluate(null);
    if (this.sync !== null) finishing(this);
  }

  /** Servers are told that the rights of a user, or of all, have changed. */
  reevaluate(user: string | null): void {
    for (const { server } of this.servers) void server?.reevaluate(user);
  }

  #ask(): void {
    this.time.schedule(asking, () => {
      for (const device of this.devices) device.waitForDownload();
      this.#ask();
    });
  }
}

/** Nothing else takes entries out of a history. */
const isFold = ({ deletes }: RecordBatch): boolean => deletes.some(({ space }) => space === 'log');

/** A … Z, AA, AB … */
const deviceName = (index: number): string =>
  (index < 26 ? '' : deviceName(Math.floor(index / 26) - 1)) + String.fromCharCode(65 + (index % 26));

const freeName = (index: number): string => `p${index + 1}`;
