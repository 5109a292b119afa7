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

/** The blocks of a segment, as they came. */
class Pile {
  readonly sequence: number;
  readonly #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  get raw(): RawSegment {
    const blocks = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of this.#pieces) {
      blocks.set(piece, at);
      at += piece.length;
    }
    return { sequence: this.sequence, blocks };
  }

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
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

  waits(): void {
    // It is in memory already.
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.#piles[this.#piles.length - 1]?.push(bytes.slice(start, end));
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
    this.write();
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

/** Milliseconds that anything waits to be written. */
const waitingTime = 100;

/** Bytes of the end of a segment: whatever comes behind is older. */
const END = 4;

class FileSink implements RecordingSink {
  readonly segmentBytes: number;
  readonly #fs: FileSystem;
  readonly #file: number;
  #position = 0;
  /** Of a segment that nothing was written of yet. */
  #head: Uint8Array | null = null;
  #isDue = false;
  #isClosed = false;
  /** Called when what waits has waited long enough. */
  due: () => void = () => undefined;

  constructor({ fs, path, ...options }: FileRecordingOptions) {
    this.segmentBytes = segmentBytesOf(options) - END;
    this.#fs = fs;
    this.#file = fs.openSync(path, 'w');
  }

  begin(sequence: number): void {
    const region = this.segmentBytes + END;
    this.#position = sequence % 2 === 1 ? 0 : region;
    this.#head = segmentHead(sequence, this.#position === 0 ? region : 0);
  }

  waits(): void {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    const timer = setTimeout(() => {
      this.#isDue = false;
      this.due();
    }, waitingTime);
    // Nobody stays for it: whoever ends closes, or flushes.
    if (typeof timer === 'object') timer.unref();
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isClosed) return;
    if (this.#head === null) this.#put(bytes, start, end + END);
    else {
      const { length } = this.#head;
      const first = new Uint8Array(length + end + END - start);
      first.set(this.#head);
      first.set(bytes.subarray(start, end + END), length);
      this.#head = null;
      this.#put(first, 0, first.length);
    }
    this.#position -= END;
  }

  #put(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const written = this.#fs.writeSync(this.#file, bytes, at, end - at, this.#position);
      at += written;
      this.#position += written;
    }
  }

  flush(): void {
    if (!this.#isClosed) this.#fs.fsyncSync(this.#file);
  }

  close(): void {
    if (!this.#isClosed) this.#fs.closeSync(this.#file);
    this.#isClosed = true;
  }
}

/**
 * A recording in a file. What has come is written 100 ms later at the latest, so a process that is killed loses no more
 * than that; a bug in a machine is written at once. A process that may end by an exception calls `flush` when it exits.
 */
export class FileRecording extends FlightRecorder {
  readonly #sink: FileSink;

  constructor(options: FileRecordingOptions) {
    const sink = new FileSink(options);
    super(sink);
    this.#sink = sink;
    sink.due = () => this.write();
  }

  /** Nothing is recorded any more. Idempotent. */
  close(): void {
    this.write();
    this.#sink.close();
  }
}

/** Throws where the file cannot be made. */
export const fileRecording = (options: FileRecordingOptions): FileRecording => new FileRecording(options);
