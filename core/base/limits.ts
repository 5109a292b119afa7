/**
 * Every limit of the engine, in one place. A decoder checks the announced size against the limit and
 * against the bytes that are there before it allocates anything.
 */
export const limits = {
  /** Bytes of one class name (reference: 57) and of one property name. */
  nameBytes: 255,
  /** Bytes of one string or binary value; the reference stores up to 16,777,200. */
  valueBytes: 16_777_199,
  /** Elements of one path; mixed values nest at most this deep. */
  pathElements: 100,
  /** Bytes of one encoded changeset. */
  changesetBytes: 64 * 1024 * 1024,
  /** Bytes of one encoded message. */
  messageBytes: 64 * 1024 * 1024,
  /** An upload stops collecting changesets beyond this many bytes (soft). */
  uploadBytes: 128 * 1024,
  /** A download stops collecting changesets beyond this many bytes (soft). */
  downloadBytes: 1024 * 1024,
  /** Sessions on one connection. */
  sessionsPerConnection: 1000,
} as const;
