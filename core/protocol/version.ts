/**
 * The version of the wire: messages (`codec.ts`) and bodies (`core/model/codec-format.ts`).
 *
 *     1    first version
 *
 * Whoever changes a byte of either adds a line and counts up; the fingerprint in `spec/protocol-codec.test.ts`
 * notices. Links carry the version, so that two ends agree on it before the first message.
 */
export const PROTOCOL_VERSION = 1;

/** The oldest version that is still served. */
export const OLDEST_PROTOCOL_VERSION = 1;
