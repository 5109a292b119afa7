/**
 * Every limit of the engine, in one place. A decoder checks the announced size against the limit and
 * against the bytes that are there before it allocates anything.
 */
export const limits = {
  /** Bytes of one class name (reference: 57) and of one property name. */
  nameBytes: 255,
  /** Bytes of one class name that an application configures: the reference's own limit. */
  classNameBytes: 57,
  /** Bytes of one string or binary value; the reference stores up to 16,777,200. */
  valueBytes: 16_777_199,
  /**
   * The latest time that a changeset may be stamped with: the end of the year 9999. One stamp near 2^53 would
   * leave the devices that integrate it without a later one to give.
   */
  timestamp: 253_402_300_799_999,
  /** Elements of one path; mixed values nest at most this deep. */
  pathElements: 100,
  /**
   * Instructions of one changeset. An instruction can be as short as a byte: without this, decoding could take
   * many times the memory of what was received.
   */
  changesetInstructions: 1_000_000,
  /** Changesets of one message, and the instructions of all of them together, for the same reason. */
  messageChangesets: 100_000,
  messageInstructions: 3_000_000,
  /** Elements of one MessagePack value, all levels together, and how deep they nest. */
  packedElements: 1_000_000,
  packedDepth: 100,
  /** Bytes of one encoded changeset. */
  changesetBytes: 16 * 1024 * 1024,
  /** Bytes of one encoded message. */
  messageBytes: 32 * 1024 * 1024,
  /** An upload stops collecting changesets beyond this many bytes (soft). */
  uploadBytes: 128 * 1024,
  /** Uploads sent ahead of their acknowledgement. */
  uploadsInFlight: 16,
  /**
   * Versions that have come down when a client with nothing to upload acknowledges them, at the latest: if it did
   * so for each, all who listen would answer all who speak.
   */
  acknowledgedVersions: 512,
  /** Uploads of one session that wait to be integrated: more than an honest client sends ahead. */
  queuedUploads: 64,
  /** Marks of one session that wait to be answered. */
  pendingMarks: 1000,
  /** A download stops collecting changesets beyond this many bytes (soft). */
  downloadBytes: 1024 * 1024,
  /** Bytes of changesets sent to a session before the server waits until its link has let them out (soft). */
  unflushedBytes: 1024 * 1024,
  /** Changes since the last snapshot of a state reach at least this many bytes before the next one. */
  journalBytes: 64 * 1024,
  /** Instructions in one record of a snapshot. */
  snapshotChunk: 20_000,
  /** Newest main entries that a server holds in memory for each partition. */
  tailEntries: 4096,
  /** Places in one generation of explanations, and losses told for each place. */
  explainedPlaces: 100_000,
  explainedLosses: 20,
  /** Sessions on one connection. */
  sessionsPerConnection: 1000,
} as const;
