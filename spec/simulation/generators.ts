/**
 * What happens in a simulated world: work, which is always there, and faults, of which each plan has some. A
 * capability adds its own here, and a checker to `checkers.ts`.
 */
import { errorTable, isErrorCode, type ResetCode } from '../../core/protocol/errors.js';
import { once, pick } from '../kit/random.js';
import { aWhile, fault, type Generator, someDevice, work } from './generator.js';
import { heartbeats } from './network.js';
import { syncGenerators } from './sync-generators.js';
import type { World } from './world.js';

const works: readonly Generator[] = [
  work('write', 14, (world, random) => {
    const device = someDevice(world, random);
    for (let writes = 1 + random.int(3); writes > 0; writes--) device.write(random.int(2 ** 31));
  }),
  work('wait for upload', 2, (world, random) => someDevice(world, random).waitForUpload()),
  work('wait for download', 2, (world, random) => someDevice(world, random).waitForDownload()),
  work('pause', 1, (world, random) => {
    const device = someDevice(world, random);
    world.tell(device.name, 'pauses');
    device.pause();
  }),
  work('pause one way', 1, (world, random) => {
    const device = someDevice(world, random);
    const direction = once(random, 2) ? 'upload' : 'download';
    world.tell(device.name, `pauses its ${direction}`);
    device.pause(direction);
  }),
  work('reconnect', 1, (world, random) => {
    const device = someDevice(world, random);
    world.tell(device.name, 'wants to be connected now');
    device.client?.reconnect();
  }),
  work('resume', 2, (world, random) => {
    const device = someDevice(world, random);
    world.tell(device.name, 'resumes');
    device.resume();
  }),
  work('restart device', 1, (world, random) => {
    const device = someDevice(world, random);
    if (device.stop(() => device.start())) world.tell(device.name, 'is closed and opened again');
  }),
];

const asksForReset = (code: number): code is ResetCode =>
  isErrorCode(code) && errorTable[code].action === 'ClientReset';

export const resetCodes: readonly ResetCode[] = Object.keys(errorTable).map(Number).filter(asksForReset);

const faults: readonly Generator[] = [
  fault('device crash', 3, 2, (world, random) => {
    const device = someDevice(world, random);
    world.strike('device crash', device.name, 'is to crash');
    device.isWanted = once(random, 2);
    world.crashDevice(device, once(random, 3) ? heartbeats : 100);
    world.lasting(aWhile(random), () => device.start());
  }),
  fault('server crash', 3, 2, (world, random) => {
    const server = pick(random, world.servers);
    world.strike('server crash', server.name, 'is to crash');
    world.crashServer(server, once(random, 3) ? heartbeats : 100);
    world.lasting(once(random, 2) ? 0 : aWhile(random), () => server.start());
  }),
  fault('server restart', 4, 1, (world, random) => {
    const server = pick(random, world.servers);
    if (server.stop(() => server.start())) world.strike('server restart', server.name, 'restarts');
  }),
  fault('broken link', 2, 3, (world, random) => {
    const device = someDevice(world, random);
    world.strike('broken link', device.name, 'its link breaks');
    world.breakLinksOf(device, 100);
  }),
  fault('half-open link', 3, 2, (world, random) => {
    const device = someDevice(world, random);
    world.strike('half-open link', device.name, 'its link is half open');
    world.breakLinksOf(device, heartbeats);
  }),
  fault('network partition', 3, 1, (world, random) => {
    const away = world.devices.filter(() => once(random, 2));
    world.strike('network partition', away.map(({ name }) => name).join(' '), 'are cut off');
    for (const { link } of away) setCutOff(world, link, true);
    world.breakLinks((name) => away.some(({ link }) => link === name), heartbeats);
    world.lasting(aWhile(random), () => {
      for (const { link } of away) setCutOff(world, link, false);
    });
  }),
  fault('frailty', 3, 1, (world, random) => {
    world.network.frailty = 5 + random.int(60);
    world.http.isBad = true;
    world.lasting(aWhile(random), () => {
      world.network.frailty = 0;
      world.http.isBad = false;
    });
  }),
  fault('slow network', 3, 1, (world, random) => {
    const device = someDevice(world, random);
    const weather = world.network.weatherOf(device.link);
    const { jitter } = weather;
    weather.jitter = 500 + random.int(10_000);
    world.strike('slow network', device.name, 'its network is slow');
    world.lasting(aWhile(random), () => {
      weather.jitter = Math.min(weather.jitter, jitter);
    });
  }),
  fault('slow reader', 4, 1, (world, random) => {
    const device = someDevice(world, random);
    const weather = world.network.weatherOf(device.link);
    weather.drag = 100 + random.int(5_000);
    world.strike('slow reader', device.name, 'reads slowly');
    world.lasting(aWhile(random), () => {
      weather.drag = 0;
    });
  }),
  fault('slow device disk', 3, 1, (world, random) => {
    const { name, disk } = someDevice(world, random);
    disk.health.slowness = 200 + random.int(5_000);
    world.strike('slow device disk', name, 'its disk is slow');
    world.lasting(aWhile(random), () => {
      disk.health.slowness = 5;
    });
  }),
  fault('slow server disk', 3, 1, (world, random) => {
    const { name, disk } = pick(random, world.servers);
    disk.health.slowness = 200 + random.int(2_000);
    world.strike('slow server disk', name, 'its disk is slow');
    world.lasting(aWhile(random), () => {
      disk.health.slowness = 5;
    });
  }),
  fault('full device disk', 5, 1, (world, random) => {
    const { name, disk } = someDevice(world, random);
    disk.health.isFull = true;
    world.strike('full device disk', name, 'its disk is full');
    world.lasting(aWhile(random), () => {
      disk.health.isFull = false;
    });
  }),
  fault('full server disk', 5, 1, (world, random) => {
    const { name, disk } = pick(random, world.servers);
    disk.health.isFull = true;
    world.strike('full server disk', name, 'its disk is full');
    world.lasting(aWhile(random), () => {
      disk.health.isFull = false;
    });
  }),
  fault('lost store answer', 5, 1, (world, random) => {
    const { name, disk } = pick(random, world.servers);
    disk.health.forgetfulness = 1 + random.int(5);
    world.strike('lost store answer', name, 'its store loses answers');
    world.lasting(aWhile(random), () => {
      disk.health.forgetfulness = 0;
    });
  }),
  fault('device clock jump', 3, 1, (world, random) => {
    const { name, clock } = someDevice(world, random);
    const by = random.int(7_200_001) - 3_600_000;
    clock.skew += by;
    world.strike('device clock jump', name, `its clock jumps by ${by} ms`);
  }),
  fault('server clock jump', 4, 1, (world, random) => {
    const { name, clock } = pick(random, world.servers);
    const by = random.int(7_200_001) - 3_600_000;
    clock.skew += by;
    world.strike('server clock jump', name, `its clock jumps by ${by} ms`);
  }),
  fault('expired token', 5, 1, (world, random) => {
    const device = someDevice(world, random);
    world.authority.refused.add(device.link);
    world.strike('expired token', device.name, 'its token has expired');
    world.breakLinksOf(device, 100);
    world.lasting(aWhile(random), () => void world.authority.refused.delete(device.link));
  }),
  fault('authority away', 5, 1, (world, random) => {
    world.authority.isAway = true;
    world.strike('authority away', 'servers', 'can check nobody');
    world.lasting(aWhile(random), () => {
      world.authority.isAway = false;
    });
  }),
  fault('other server', 2, 2, (world, random) => {
    const device = someDevice(world, random);
    const server = random.int(world.servers.length);
    world.strike('other server', device.name, `goes to server ${server + 1}`);
    world.routeTo(device, server);
  }),
  fault('long absence', 3, 1, (world, random) => {
    const device = someDevice(world, random);
    const { maxOffline } = world.plan;
    const most = maxOffline === null ? 60_000 : 2 * maxOffline;
    device.pause();
    world.strike('long absence', device.name, 'is offline');
    world.lasting(random.int(most), () => device.resume());
  }),
  fault('revoked user', 5, 1, (world, random) => {
    const device = someDevice(world, random);
    world.strike('revoked user', device.name, 'its user is revoked, and comes again with another token');
    world.authority.revoke(device.link);
    // A server whose clock is set back afterwards keeps the user out until it has caught up, as it should.
    if (world.plan.faults.includes('server clock jump')) world.breakLinksOf(device, 100);
    else for (const { server } of world.servers) server?.revoke(device.link);
  }),
  fault('demanded reset', 6, 1, (world, random) => {
    const [partition, code] = [pick(random, world.partitions), pick(random, resetCodes)];
    const { name, server } = pick(random, world.servers);
    world.mayReset = true;
    world.strike('demanded reset', name, `tells the clients of ${partition} to reset themselves: ${code}`);
    server?.reset(partition, code, 'an administrator says so').catch((error: unknown) => {
      world.tell(name, `could not tell all of them: ${String(error)}`);
    });
  }),
  fault('restored backup', 12, 1, (world, random) => {
    const restore = world.backup();
    world.tell('world', 'a backup is taken');
    world.lasting(aWhile(random), () => {
      world.strike('restored backup', 'world', 'the backup is restored');
      for (const server of world.servers) world.crashServer(server, 100);
      // What the crash left on the disk has been seen by then.
      world.time.schedule(1, () => {
        restore();
        for (const server of world.servers) server.start();
      });
    });
  }),
];

const setCutOff = (world: World, link: string, isCutOff: boolean): void => {
  world.network.weatherOf(link).isCutOff = isCutOff;
};

export const generators: readonly Generator[] = [...works, ...faults, ...syncGenerators];
