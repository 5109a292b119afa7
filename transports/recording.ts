/**
 * Where recordings are kept: in memory, which any platform has, or in a file.
 *
 *     const recorder = memoryRecording();
 *     const client = await openClient({ …, recorder });
 *     …
 *     download(new Blob([recorder.bytes()]));
 *
 * What a file holds is replayed by `syncline replay FILE`. A recording has what the user has written in it; it
 * has no tokens. `syncline replay FILE --anonymize OUT` puts other things in the place of content.
 */
import {
  FlightRecorder,
  joinSegments,
  type RawSegment,
  type RecordingSink,
  segmentHead,
} from '../core/recording.js';

export interface RecordingOptions {
  /** Of the whole recording: 16 MiB by default, 64 KiB at least. */
  readonly maxBytes?: number;
}

const defaultBytes = 16 * 1024 * 1024;
const leastBytes = 64 * 1024;

const segmentBytesOf = ({ maxBytes = defaultBytes }: RecordingOptions): number => {
  if (!(maxBytes >= leastBytes && maxBytes < 2 ** 32))
    throw new RangeError(`maxBytes ${maxBytes}: a number from ${leastBytes} to ${2 ** 32 - 1} is expected`);
  return Math.floor(maxBytes / 2);
};

/** Few bytes are copied one by one: a view on them would take longer to make, and to forget. */
const copy = (from: Uint8Array, start: number, end: number, to: Uint8Array, position: number): void => {
  if (end - start > 256) {
    to.set(from.subarray(start, end), position);
    return;
  }
  for (let at = start, p = position; at < end; at++, p++) to[p] = from[at] as number;
};

/** Bytes of one piece of a pile. */
const pieceBytes = 64 * 1024;

/** Bytes that grow as they come, and stay where they are. */
class Pile {
  readonly sequence: number;
  readonly #pieces: Uint8Array[] = [];
  /** The last piece, and how much of it is taken. */
  #piece = new Uint8Array(0);
  #taken = 0;

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  get raw(): RawSegment {
    const whole = this.#pieces.slice(0, -1);
    const entries = new Uint8Array(whole.length * pieceBytes + this.#taken);
    whole.forEach((piece, i) => {
      entries.set(piece, i * pieceBytes);
    });
    entries.set(this.#piece.subarray(0, this.#taken), whole.length * pieceBytes);
    return { sequence: this.sequence, entries };
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; ; ) {
      const room = this.#piece.length - this.#taken;
      if (end - at <= room) {
        copy(bytes, at, end, this.#piece, this.#taken);
        this.#taken += end - at;
        return;
      }
      copy(bytes, at, at + room, this.#piece, this.#taken);
      at += room;
      this.#piece = new Uint8Array(pieceBytes);
      this.#pieces.push(this.#piece);
      this.#taken = 0;
    }
  }
}

class MemorySink implements RecordingSink {
  readonly segmentBytes: number;
  #piles: Pile[] = [];

  constructor(segmentBytes: number) {
    this.segmentBytes = segmentBytes;
  }

  get piles(): readonly Pile[] {
    return this.#piles;
  }

  begin(sequence: number): void {
    this.#piles = [...this.#piles.slice(-1), new Pile(sequence)];
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.#piles[this.#piles.length - 1]?.push(bytes, start, end);
  }

  flush(): void {
    // Memory is as durable as it gets.
  }
}

/** A recording in memory: for browsers, tests, and apps that send it somewhere themselves. */
export class MemoryRecording extends FlightRecorder {
  readonly #sink: MemorySink;

  constructor(options: RecordingOptions = {}) {
    const sink = new MemorySink(segmentBytesOf(options));
    super(sink);
    this.#sink = sink;
  }

  /** The recording as a file would hold it, up to now. */
  bytes(): Uint8Array<ArrayBuffer> {
    this.begin();
    return joinSegments(this.#sink.piles.map(({ raw }) => raw));
  }
}

export const memoryRecording = (options: RecordingOptions = {}): MemoryRecording =>
  new MemoryRecording(options);

/** What is needed of `node:fs`. */
export interface FileSystem {
  openSync(path: string, flags: string): number;
  writeSync(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  fsyncSync(file: number): void;
  closeSync(file: number): void;
}

export interface FileRecordingOptions extends RecordingOptions {
  /** `node:fs`, or what does the same. */
  readonly fs: FileSystem;
  /** Of the file; one that is there is replaced. */
  readonly path: string;
}

/** Bytes that wait to be written at most, and milliseconds that they do. */
const waitingBytes = 64 * 1024;
const waitingTime = 20;

/** No entry: whatever comes behind is older. */
const END = 4;

class FileSink implements RecordingSink {
  readonly segmentBytes: number;
  readonly #fs: FileSystem;
  readonly #file: number;
  readonly #waiting = new Uint8Array(waitingBytes + END);
  #count = 0;
  #position = 0;
  #isDue = false;
  #isClosed = false;
  /** What a write between two calls has met. */
  #failure: { readonly error: unknown } | null = null;

  constructor({ fs, path, ...options }: FileRecordingOptions) {
    // The end of a segment takes a few bytes more.
    this.segmentBytes = segmentBytesOf(options) - END;
    this.#fs = fs;
    this.#file = fs.openSync(path, 'w');
  }

  begin(sequence: number): void {
    this.write();
    const region = this.segmentBytes + END;
    this.#position = sequence % 2 === 1 ? 0 : region;
    const head = segmentHead(sequence, this.#position === 0 ? region : 0);
    this.append(head, 0, head.length);
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#isClosed) return;
    const size = end - start;
    if (this.#count + size > waitingBytes) this.write();
    if (size > waitingBytes) {
      this.#put(bytes.subarray(start, end), size);
      this.#put(new Uint8Array(END), END);
      this.#position -= END;
      return;
    }
    copy(bytes, start, end, this.#waiting, this.#count);
    this.#count += size;
    if (this.#isDue) return;
    this.#isDue = true;
    const timer = setTimeout(() => {
      this.#isDue = false;
      try {
        this.write();
      } catch (error) {
        this.#failure = { error };
      }
    }, waitingTime);
    // Nobody stays for it: whoever ends closes, or flushes.
    if (typeof timer === 'object') timer.unref();
  }

  /** Hands all that waits to the operating system. */
  write(): void {
    if (this.#count === 0 || this.#isClosed) return;
    const length = this.#count;
    this.#count = 0;
    this.#waiting.fill(0, length, length + END);
    this.#put(this.#waiting, length + END);
    this.#position -= END;
  }

  #put(bytes: Uint8Array, length: number): void {
    for (let done = 0; done < length; ) {
      const written = this.#fs.writeSync(this.#file, bytes, done, length - done, this.#position);
      done += written;
      this.#position += written;
    }
  }

  flush(): void {
    this.write();
    if (!this.#isClosed) this.#fs.fsyncSync(this.#file);
  }

  close(): void {
    this.write();
    if (!this.#isClosed) this.#fs.closeSync(this.#file);
    this.#isClosed = true;
  }
}

/**
 * A recording in a file. What has come is written some 20 ms later, so a process that is killed loses no more than
 * that; a bug in a machine is written at once. A process that may end by an exception calls `flush` when it exits.
 */
export class FileRecording extends FlightRecorder {
  readonly #sink: FileSink;

  constructor(options: FileRecordingOptions) {
    const sink = new FileSink(options);
    super(sink);
    this.#sink = sink;
  }

  /** Makes what was recorded so far survive even the machine. */
  flush(): void {
    this.begin();
    this.#sink.flush();
  }

  /** Nothing is recorded any more. Idempotent. */
  close(): void {
    this.begin();
    this.#sink.close();
  }
}

/** Throws where the file cannot be made. */
export const fileRecording = (options: FileRecordingOptions): FileRecording => new FileRecording(options);
