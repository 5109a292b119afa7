/** The rows of numbers that quick scans give for instructions (`quick-scan.ts`). */

/** Numbers in a row: kind, object, property, and where the operand begins and ends. */
export const ROW = 5;
/** What `kindNumbers` says; of an update also the first byte of the payload, from `ROW_PAYLOAD` on. */
export const ROW_KIND = 0;
export const ROW_OBJECT = 1;
export const ROW_FIELD = 2;
export const ROW_START = 3;
export const ROW_END = 4;
/** A bit. */
export const ROW_PAYLOAD = 8;
